//! `docker cleanup`: what is left of ended jobs, the legacy system's too, and resources of ours.

use longshore_core::host::Host;
use longshore_core::with_causes;
use longshore_service::{
    Cleanup, Cleared, Condemned, Fate as Cleaned, Leftovers, LegacyContainers, Reason, Resource,
    ServiceError, Swept,
};
use longshore_store::PulledImage;

use super::Desk;
use crate::args::SweepArgs;
use crate::backstage::{Cleanup as Doing, Fate, Leftover};
use crate::commands::cleanup::show;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::moments;

pub(super) async fn run(desk: &Desk<'_>, args: SweepArgs) -> Result<u8, Failure> {
    let cutoff = moments::parse_since(&args.older_than, desk.session.now())
        .map_err(|text| Failure::usage(format!("--older-than: {text}")))?;
    let cleanup = Cleanup {
        cutoff,
        legacy: if args.legacy {
            LegacyContainers::All
        } else {
            LegacyContainers::OfKnownJobs
        },
    };
    let doing = if args.doing.apply {
        Doing::Apply
    } else {
        Doing::Plan
    };
    let (mut rows, mut code) = (Vec::new(), SUCCESS);
    let hosts = desk.hosts(args.host.clone()).await?;
    for host in &hosts {
        let planned = if args.resources {
            desk.service.plan_resources(host, cleanup).await
        } else {
            containers_alone(desk, host, cleanup).await
        };
        let leftovers = match (planned, doing) {
            (Ok(plan), Doing::Plan) => Ok(planned_rows(&plan)),
            (Ok(plan), Doing::Apply) => apply(desk, host, plan).await,
            (Err(error), _) => Err(error),
        };
        match leftovers {
            Ok(found) => rows.extend(found.into_iter().map(|it| (host.name.as_str(), it))),
            Err(error) => code = desk.complain(&error.into()),
        }
    }
    if rows.iter().any(|(_, it)| it.fate == Fate::Failed) {
        code = FAILURE;
    }
    show(desk.session, &rows, doing)?;
    Ok(code)
}

async fn apply(
    desk: &Desk<'_>,
    host: &Host,
    plan: Leftovers,
) -> Result<Vec<Leftover>, ServiceError> {
    let cleared = desk.service.apply_resources(host, plan).await?;
    if let Err(error) = desk.service.write_off(host).await {
        desk.complain(&error.into());
    }
    Ok(cleared_rows(&cleared))
}

async fn containers_alone(
    desk: &Desk<'_>,
    host: &Host,
    cleanup: Cleanup,
) -> Result<Leftovers, ServiceError> {
    Ok(Leftovers {
        containers: desk.service.plan_cleanup(host, cleanup).await?,
        ..Leftovers::default()
    })
}

fn planned_rows(plan: &Leftovers) -> Vec<Leftover> {
    let containers = plan.containers.iter().map(|it| Leftover {
        what: container(it),
        fate: Fate::Planned,
        why: reason(it.reason).to_owned(),
    });
    let resources = plan.resources.iter().map(|it| Leftover {
        what: resource(it),
        fate: if it.in_use { Fate::Kept } else { Fate::Planned },
        why: if it.in_use { IN_USE } else { LABELLED }.to_owned(),
    });
    let images = plan.images.iter().map(|it| Leftover {
        what: image(it),
        fate: Fate::Planned,
        why: PULLED.to_owned(),
    });
    containers.chain(resources).chain(images).collect()
}

fn cleared_rows(cleared: &Cleared) -> Vec<Leftover> {
    let containers = cleared.containers.iter().map(swept);
    let resources = cleared
        .resources
        .iter()
        .map(|(it, fate)| fared(resource(it), fate, LABELLED));
    let images = cleared
        .images
        .iter()
        .map(|(it, fate)| fared(image(it), fate, PULLED));
    containers.chain(resources).chain(images).collect()
}

const IN_USE: &str = "something uses it";
const LABELLED: &str = "it carries this pool's label";
const PULLED: &str = "we pulled it";

fn swept(swept: &Swept) -> Leftover {
    let why = reason(swept.condemned.reason);
    let (fate, why) = match &swept.removal {
        Ok(_) => (Fate::Removed, why.to_owned()),
        Err(error) => (Fate::Failed, format!("{why}; {}", with_causes(error))),
    };
    Leftover {
        what: container(&swept.condemned),
        fate,
        why,
    }
}

fn fared(what: String, fate: &Cleaned, why: &str) -> Leftover {
    let (fate, why) = match fate {
        Cleaned::Gone | Cleaned::WasAbsent => (Fate::Removed, why.to_owned()),
        Cleaned::InUse => (Fate::Kept, IN_USE.to_owned()),
        Cleaned::Failed(error) => (Fate::Failed, with_causes(error)),
    };
    Leftover { what, fate, why }
}

fn container(condemned: &Condemned) -> String {
    format!("container {}", condemned.container.name)
}

fn resource(resource: &Resource) -> String {
    format!("{} {}", resource.kind, resource.name)
}

fn image(pulled: &PulledImage) -> String {
    format!("image {}", pulled.image)
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Ended(_) => "its attempt has ended",
        Reason::Unexplained => "no attempt explains it, and it is old",
        Reason::LegacyEnded(_) => "the legacy system made it, and its job is over",
        Reason::LegacyUnknown => "the legacy system made it, and nobody knows its job",
    }
}
