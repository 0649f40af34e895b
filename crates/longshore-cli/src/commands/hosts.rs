//! `hosts`: the places of the pool.

use std::path::Path;

use longshore_core::host::{
    EmbeddedFolder, Endpoint, Host, HostFacts, HostKind, NoEmbeddedFolder, TlsFiles,
};

use crate::args::{HostAdd, HostsCommand, Kind};
use crate::commands::placement::new_host;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::host_view::HostView;
use crate::render::tables::{self, HostRow};
use crate::render::views;
use crate::session::Session;

mod change;

/// How addresses begin, and what the rest is.
const SCHEMES: [&str; 3] = ["unix:///", "tcp://", "ssh://"];

pub(super) async fn run(session: &Session, command: HostsCommand) -> Result<u8, Failure> {
    match command {
        HostsCommand::Add(args) => add(session, args).await,
        HostsCommand::Set(args) => change::set(session, args).await,
        HostsCommand::Cordon(hosts) => change::cordon(session, &hosts.names).await,
        HostsCommand::Uncordon(hosts) => change::uncordon(session, &hosts.names).await,
        HostsCommand::Drain(args) => change::drain(session, args).await,
        HostsCommand::List => list(session).await,
        HostsCommand::Check { names } => check(session, &names).await,
        HostsCommand::Rm { name } => remove(session, &name).await,
    }
}

async fn add(session: &Session, args: HostAdd) -> Result<u8, Failure> {
    let (kind, endpoint) = place(session, &args)?;
    let mut host = Host {
        auto_pull: !args.no_auto_pull,
        ..new_host(args.name.clone(), kind, endpoint, session.now())
    };
    change::label(&mut host, &args.label)?;
    change::apply(&mut host, &args.terms)?;
    let store = session.store().await?;
    if args.no_check {
        store.add_host(&host).await?;
    } else {
        add_checked(session, &host).await?;
    }
    session.console.print(&host.name)?;
    Ok(SUCCESS)
}

/// Adds a host that answers.
async fn add_checked(session: &Session, host: &Host) -> Result<(), Failure> {
    let facts = session.backstage.probe(host).await.map_err(|trouble| {
        Failure::from(trouble).hint("nothing was added; --no-check adds it all the same")
    })?;
    let store = session.store().await?;
    store.add_host(host).await?;
    store.save_facts(host.id, Ok(&facts), session.now()).await?;
    session.console.say(&describe(&facts));
    for warning in &facts.warnings {
        session.console.say(&format!("warning: {warning}"));
    }
    Ok(())
}

fn place(session: &Session, args: &HostAdd) -> Result<(HostKind, Endpoint), Failure> {
    let address = match (args.kind, &args.address) {
        (Some(Kind::Docker) | None, None) => {
            let context = session.global.context.as_deref();
            let named = session.backstage.default_host(context)?;
            return Ok((named.kind, named.endpoint));
        }
        (Some(Kind::Oci), None) => {
            let own = session.backstage.embedded_host();
            return Ok((own.kind, own.endpoint));
        }
        (Some(Kind::Oci), Some(address)) => return embedded(session, args, address),
        (None, Some(address)) if EmbeddedFolder::is_meant(address) => {
            return embedded(session, args, address);
        }
        (Some(Kind::Docker) | None, Some(address)) => address,
    };
    if !SCHEMES
        .iter()
        .any(|scheme| address.starts_with(scheme) && address.len() > scheme.len())
    {
        return Err(
            Failure::usage(format!("`{address}` is no address of a Docker Engine")).hint(
                "use unix:///path, tcp://host:port or ssh://user@host, or --kind oci to do without",
            ),
        );
    }
    let tls = match &args.tls_dir {
        Some(_) if !address.starts_with("tcp://") => {
            return Err(Failure::usage("--tls-dir goes with tcp:// alone"));
        }
        Some(folder) => Some(tls_files(session, folder, !args.tls_no_verify)?),
        None => None,
    };
    Ok((
        HostKind::Docker,
        Endpoint {
            address: address.clone(),
            tls,
        },
    ))
}

/// This machine without an engine, in the folder of the address or the usual one.
fn embedded(
    session: &Session,
    args: &HostAdd,
    address: &str,
) -> Result<(HostKind, Endpoint), Failure> {
    if args.tls_dir.is_some() {
        return Err(Failure::usage("--tls-dir goes with tcp:// alone"));
    }
    if address == EmbeddedFolder::USUAL_ADDRESS {
        let own = session.backstage.embedded_host();
        return Ok((own.kind, own.endpoint));
    }
    let folder: EmbeddedFolder = address.parse().map_err(|why: NoEmbeddedFolder| {
        Failure::usage(why.to_string()).hint(NoEmbeddedFolder::HINT)
    })?;
    Ok((HostKind::Oci, folder.endpoint()))
}

/// Docker's names in one folder. What is missing is said now, not at the first job.
fn tls_files(session: &Session, folder: &Path, verify: bool) -> Result<TlsFiles, Failure> {
    let folder = session.around.path(folder);
    let file = |name: &str| {
        let path = folder.join(name);
        path.is_file().then(|| path.to_string_lossy().into_owned())
    };
    let files = TlsFiles {
        ca: file("ca.pem"),
        cert: file("cert.pem"),
        key: file("key.pem"),
        verify,
    };
    let wanted = [
        ("ca.pem", &files.ca, verify),
        ("cert.pem", &files.cert, true),
        ("key.pem", &files.key, true),
    ];
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|(_, found, is_needed)| *is_needed && found.is_none())
        .map(|(name, _, _)| name)
        .collect();
    if missing.is_empty() {
        return Ok(files);
    }
    Err(
        Failure::usage(format!("{} lacks {}", folder.display(), missing.join(", "))).hint(
            "TLS needs ca.pem, cert.pem and key.pem in one folder; without it, leave --tls-dir out",
        ),
    )
}

fn describe(facts: &HostFacts) -> String {
    format!(
        "{} {}, API {}, {}, cgroup v{}, storage {}",
        facts.engine,
        facts.version,
        facts.api_version,
        facts.platform,
        facts.cgroup_version,
        facts.storage_driver
    )
}

async fn list(session: &Session) -> Result<u8, Failure> {
    show(session, &rows(session).await?)?;
    Ok(SUCCESS)
}

/// All hosts with what is known of them.
async fn rows(session: &Session) -> Result<Vec<HostRow>, Failure> {
    let mut rows = Vec::new();
    for host in session.store().await?.hosts().await? {
        rows.push(row(session, host).await?);
    }
    Ok(rows)
}

/// A host with what is known of it.
async fn row(session: &Session, host: Host) -> Result<HostRow, Failure> {
    let store = session.store().await?;
    let report = store.facts(host.id).await?;
    let load = store.loads().await?.remove(&host.id);
    let standing = store.host_standings().await?.remove(&host.id);
    Ok(HostRow {
        load: load.unwrap_or_default(),
        census: store.census(host.id).await?,
        unknown: session.silences().await?.of_host(host.id),
        breaker: standing
            .map(|standing| standing.breaker)
            .unwrap_or_default(),
        report,
        host,
    })
}

async fn check(session: &Session, names: &[String]) -> Result<u8, Failure> {
    let hosts = select(session, names).await?;
    let rows = probe_all(session, hosts).await?;
    show(session, &rows)?;
    let troubles = rows
        .iter()
        .filter_map(|row| row.trouble().map(|text| (&row.host.name, text)));
    troubles
        .clone()
        .for_each(|(name, text)| session.console.complain(&format!("{name}: {text}")));
    Ok(if troubles.count() == 0 {
        SUCCESS
    } else {
        FAILURE
    })
}

/// The hosts of these names; all, if none is named.
pub(super) async fn select(session: &Session, names: &[String]) -> Result<Vec<Host>, Failure> {
    let store = session.store().await?;
    if names.is_empty() {
        return Ok(store.hosts().await?);
    }
    let mut hosts = Vec::with_capacity(names.len());
    for name in names {
        hosts.push(store.host_by_name(name).await?);
    }
    Ok(hosts)
}

/// Asks all hosts at once, and keeps what they say.
pub(super) async fn probe_all(
    session: &Session,
    hosts: Vec<Host>,
) -> Result<Vec<HostRow>, Failure> {
    let store = session.store().await?;
    let probes = hosts.iter().map(|host| session.backstage.probe(host));
    let answers = futures::future::join_all(probes).await;
    let mut rows = Vec::with_capacity(hosts.len());
    for (host, answer) in hosts.into_iter().zip(answers) {
        let answer = answer.map_err(|trouble| trouble.to_string());
        let found = answer.as_ref().map_err(String::as_str);
        store.save_facts(host.id, found, session.now()).await?;
        rows.push(row(session, host).await?);
    }
    Ok(rows)
}

fn show(session: &Session, rows: &[HostRow]) -> Result<(), Failure> {
    if session.global.json {
        let views: Vec<HostView> = rows.iter().map(HostView::new).collect();
        session.console.print(&views::pretty(&views))?;
        return Ok(());
    }
    session
        .console
        .print(&tables::hosts(rows, session.look()))?;
    if rows.is_empty() {
        session.console.say(
            "no host yet: run and worker take the environment's own, or `longshore hosts add`",
        );
    }
    Ok(())
}

async fn remove(session: &Session, name: &str) -> Result<u8, Failure> {
    let store = session.store().await?;
    let host = store.host_by_name(name).await?;
    store.remove_host(host.id).await?;
    session.console.print(name)?;
    Ok(SUCCESS)
}
