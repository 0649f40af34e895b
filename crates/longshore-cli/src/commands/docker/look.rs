//! What is read of the containers of jobs: logs, stats, exit codes, how they stand.

use futures::future::join_all;
use longshore_core::host::Host;
use longshore_service::{ContainerStats, LogWish};

use super::{Desk, together};
use crate::args::{AwaitArgs, OutputArgs, SomeJobs, StatsArgs};
use crate::commands::logs::print;
use crate::exit_code::{CANCELLED, SUCCESS};
use crate::failure::Failure;
use crate::moments;
use crate::render::frames::FrameForm;
use crate::render::spans;
use crate::render::tables;
use crate::render::views::{self, SCHEMA};

pub(super) async fn logs(desk: &Desk<'_>, args: OutputArgs) -> Result<u8, Failure> {
    let session = desk.session;
    let job = desk.job(&args.job).await?;
    let form = match (session.global.json, args.timestamps) {
        (true, _) => FrameForm::Json,
        (false, true) => FrameForm::Stamped,
        (false, false) => FrameForm::Exact,
    };
    let wish = LogWish {
        follow: args.follow,
        tail: args.tail,
    };
    let frames = desk.service.get_container_logs(job.id, wish);
    let mut interrupts = session.interrupts()?;
    tokio::select! {
        printed = print(session, frames, form) => printed.map(|()| SUCCESS),
        () = interrupts.next() => Ok(CANCELLED),
    }
}

pub(super) async fn wait(desk: &Desk<'_>, args: AwaitArgs) -> Result<u8, Failure> {
    let limit = args.timeout.as_deref().map(moments::parse_duration);
    let limit = limit
        .transpose()
        .map_err(|text| Failure::usage(format!("--timeout: {text}")))?;
    let jobs = desk.jobs(&args.jobs.jobs).await?;
    let waits = jobs
        .iter()
        .map(|job| desk.service.wait_for_container(job.id, limit));
    let mut codes = Vec::new();
    for (job, ended) in jobs.iter().zip(join_all(waits).await) {
        codes.push(match ended {
            Ok(Some(code)) => {
                desk.answer_with(job, code)?;
                SUCCESS
            }
            Ok(None) => {
                let text = format!("job {} has no container to wait for", job.id.short());
                desk.complain(
                    &Failure::refused(text).hint("`longshore docker status JOB` says more"),
                )
            }
            Err(error) => desk.complain(&Failure::from(error).of(&job.id.short())),
        });
    }
    Ok(together(codes))
}

pub(super) async fn status(desk: &Desk<'_>, args: SomeJobs) -> Result<u8, Failure> {
    let jobs = desk.jobs(&args.jobs).await?;
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let mut codes = Vec::new();
    for (job, (_, status)) in jobs.iter().zip(desk.service.status_all(&ids).await?) {
        codes.push(match status {
            Ok(status) => {
                desk.answer_with(job, status)?;
                SUCCESS
            }
            Err(error) => desk.complain(&Failure::from(error).of(&job.id.short())),
        });
    }
    Ok(together(codes))
}

pub(super) async fn stats(desk: &Desk<'_>, args: StatsArgs) -> Result<u8, Failure> {
    let (console, json) = (&desk.session.console, desk.session.global.json);
    let Some((name, stats)) = measured(desk, &args).await? else {
        let text = format!("`{}` is no container that runs", args.subject);
        return Err(Failure::refused(text).hint("`longshore docker ls` shows those that run"));
    };
    if args.raw {
        console.print(&views::pretty(&stats.raw))?;
        return Ok(SUCCESS);
    }
    let sample = &stats.sample;
    if json {
        console.print(&views::line(&serde_json::json!({
            "schema": SCHEMA,
            "container": name,
            "cpu_percent": stats.cpu_percent,
            "memory_usage": stats.memory_usage,
            "memory_limit": stats.memory_limit,
            "pids": stats.pids,
            "network_rx_bytes": sample.network_rx_bytes,
            "network_tx_bytes": sample.network_tx_bytes,
            "block_read_bytes": sample.block_read_bytes,
            "block_write_bytes": sample.block_write_bytes,
        })))?;
        return Ok(SUCCESS);
    }
    let head = [
        "CONTAINER",
        "CPU %",
        "MEMORY",
        "LIMIT",
        "NET I/O",
        "BLOCK I/O",
        "PIDS",
    ];
    let pair = |one, other| format!("{} / {}", spans::size(one), spans::size(other));
    let row = [
        name,
        format!("{:.2}%", stats.cpu_percent),
        spans::size(stats.memory_usage),
        stats.memory_limit.map(spans::size).unwrap_or_default(),
        pair(sample.network_rx_bytes, sample.network_tx_bytes),
        pair(sample.block_read_bytes, sample.block_write_bytes),
        stats.pids.map(|pids| pids.to_string()).unwrap_or_default(),
    ];
    console.print(&tables::plain(head, &[row], desk.session.look()))?;
    Ok(SUCCESS)
}

/// What the container of a job, or any other, uses, under the name that was typed.
async fn measured(
    desk: &Desk<'_>,
    args: &StatsArgs,
) -> Result<Option<(String, ContainerStats)>, Failure> {
    if args.host.is_none()
        && let Ok(job) = desk.job(&args.subject).await
    {
        let stats = desk.service.get_container_stats(job.id).await?;
        return Ok(stats.map(|stats| (job.id.short(), stats)));
    }
    for host in desk.hosts(args.host.clone()).await? {
        if let Some(stats) = on_host(desk, &host, args).await? {
            return Ok(Some((args.subject.clone(), stats)));
        }
    }
    Ok(None)
}

/// A host that was not named and does not answer knows no container.
async fn on_host(
    desk: &Desk<'_>,
    host: &Host,
    args: &StatsArgs,
) -> Result<Option<ContainerStats>, Failure> {
    match desk.service.container_stats(host, &args.subject).await {
        Ok(stats) => Ok(stats),
        Err(error) if args.host.is_some() => Err(error.into()),
        Err(error) => {
            desk.complain(&error.into());
            Ok(None)
        }
    }
}

impl Desk<'_> {
    /// The bare answer for one job, as docker prints it.
    fn answer_with(
        &self,
        job: &longshore_core::job::Job,
        answer: impl std::fmt::Display,
    ) -> Result<(), Failure> {
        let answer = answer.to_string();
        let line = if self.session.global.json {
            views::line(&serde_json::json!({ "schema": SCHEMA, "id": job.id, "answer": answer }))
        } else {
            answer
        };
        Ok(self.session.console.print(&line)?)
    }
}
