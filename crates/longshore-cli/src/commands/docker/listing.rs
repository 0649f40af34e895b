//! `docker ls`: the containers of the hosts, and whose they are.

use futures::future::join_all;
use longshore_core::PoolId;
use longshore_core::launch::LABEL_POOL;
use longshore_service::{Listed, Origin, Which};

use super::Desk;
use crate::args::LsArgs;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::spans;
use crate::render::tables::{self, Look};
use crate::render::views::{self, SCHEMA};

/// How many characters of a container's id are shown.
const SHORT_ID: usize = 12;

/// A container of a host, with what its labels say.
struct Row {
    host: String,
    container: Listed,
    owner: &'static str,
    job: Option<String>,
}

pub(super) async fn list(desk: &Desk<'_>, args: LsArgs) -> Result<u8, Failure> {
    let which = if args.all { Which::All } else { Which::Running };
    let hosts = desk.hosts(args.host).await?;
    let lists = hosts
        .iter()
        .map(|host| desk.service.list_containers(host, which));
    let pool = desk.session.store().await?.pool();
    let (mut rows, mut code) = (Vec::new(), SUCCESS);
    for (host, listed) in hosts.iter().zip(join_all(lists).await) {
        match listed {
            Ok(listed) => rows.extend(listed.into_iter().map(|it| row(&host.name, it, pool))),
            Err(error) => code = desk.complain(&error.into()),
        }
    }
    if desk.session.global.json {
        let shown: Vec<_> = rows.iter().map(view).collect();
        desk.session.console.print(&views::pretty(&shown))?;
        return Ok(code);
    }
    let look = Look {
        full: args.no_trunc,
        ..desk.session.look()
    };
    let head = [
        "CONTAINER ID",
        "IMAGE",
        "CREATED",
        "STATUS",
        "NAME",
        "JOB",
        "OWNER",
        "HOST",
    ];
    let shown: Vec<[String; 8]> = rows.into_iter().map(|row| row.cells(look)).collect();
    desk.session
        .console
        .print(&tables::plain(head, &shown, look))?;
    Ok(code)
}

fn row(host: &str, container: Listed, pool: PoolId) -> Row {
    let (owner, job) = match Origin::of(&container, pool) {
        Some(Origin::Pool { job, .. }) => ("this pool", job.map(|job| job.to_string())),
        Some(Origin::Legacy(origin)) => ("legacy", origin.job),
        None if container.labels.contains_key(LABEL_POOL) => ("other pool", None),
        None => ("foreign", None),
    };
    Row {
        host: host.to_owned(),
        container,
        owner,
        job,
    }
}

fn view(row: &Row) -> serde_json::Value {
    let it = &row.container;
    serde_json::json!({
        "schema": SCHEMA,
        "host": row.host,
        "id": it.id,
        "name": it.name,
        "image": it.image,
        "state": it.state.word(),
        "status": it.status,
        "created_at": it.created_at,
        "owner": row.owner.replace(' ', "_"),
        "job": row.job,
        "labels": it.labels,
    })
}

impl Row {
    fn cells(self, look: Look) -> [String; 8] {
        let it = self.container;
        let short = |text: &str, from: usize| text.get(from..).unwrap_or(text).to_owned();
        let id = match it.id.get(..SHORT_ID) {
            Some(id) if !look.full => id.to_owned(),
            Some(_) | None => it.id,
        };
        // The end of a job's id is what tells it from others.
        let job = self.job.unwrap_or_default();
        let job = if look.full {
            job
        } else {
            short(&job, job.len().saturating_sub(SHORT_ID))
        };
        let created = spans::age(it.created_at, look.now);
        [
            id,
            it.image,
            created,
            it.status,
            it.name,
            job,
            self.owner.to_owned(),
            self.host,
        ]
    }
}
