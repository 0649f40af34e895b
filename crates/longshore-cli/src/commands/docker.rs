//! `docker`: containers that their caller drives, step by step. Thin over `DockerService`.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_core::JobId;
use longshore_core::host::Host;
use longshore_core::job::Job;
use longshore_service::{DockerService, Origin, Which};

use crate::args::DockerCommand;
use crate::backstage::{OnJobPull, OnPull};
use crate::commands::images::on_pull;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;
use drive::Deed;

mod cleanup;
mod drive;
mod listing;
mod look;
mod make;
mod places;

/// Shorter texts are no ids of containers, but wrong names of jobs.
const CONTAINER_ID_CHARS: usize = 12;

pub(super) async fn run(session: &Session, command: DockerCommand) -> Result<u8, Failure> {
    let desk = Desk::open(session).await?;
    let done = carry_out(&desk, command).await;
    desk.service.settled().await;
    done
}

async fn carry_out(desk: &Desk<'_>, command: DockerCommand) -> Result<u8, Failure> {
    match command {
        DockerCommand::Create(args) => make::create(desk, args).await,
        DockerCommand::Launch(args) => make::launch(desk, args).await,
        DockerCommand::Start(jobs) => Deed::Start.carry_out(desk, &jobs).await,
        DockerCommand::Stop(args) => Deed::stop(&args).carry_out(desk, &args.jobs).await,
        DockerCommand::Rm(args) => Deed::remove(&args).carry_out(desk, &args.jobs).await,
        DockerCommand::Harvest(jobs) => Deed::Harvest.carry_out(desk, &jobs).await,
        DockerCommand::Cancel(jobs) => Deed::Cancel.carry_out(desk, &jobs).await,
        DockerCommand::Restart(jobs) => Deed::Restart.carry_out(desk, &jobs).await,
        DockerCommand::Logs(args) => look::logs(desk, args).await,
        DockerCommand::Stats(args) => look::stats(desk, args).await,
        DockerCommand::Wait(args) => look::wait(desk, args).await,
        DockerCommand::Status(args) => look::status(desk, args).await,
        DockerCommand::Ls(args) => listing::list(desk, args).await,
        DockerCommand::Pull(args) => places::pull(desk, args).await,
        DockerCommand::Health(args) => places::health(desk, args).await,
        DockerCommand::Version(args) => places::version(desk, args).await,
        DockerCommand::Cleanup(args) => cleanup::run(desk, args).await,
    }
}

/// What these commands have at hand.
struct Desk<'a> {
    session: &'a Session,
    service: DockerService,
}

impl<'a> Desk<'a> {
    async fn open(session: &'a Session) -> Result<Self, Failure> {
        let store = session.store().await?;
        let service = session.backstage.docker_service(store, shown(session));
        Ok(Self { session, service })
    }

    /// The job that somebody named, or whose container somebody named.
    async fn job(&self, text: &str) -> Result<Job, Failure> {
        let failure = match self.session.job(text).await {
            Ok(job) => return Ok(job),
            Err(failure) => failure,
        };
        match self.job_of_container(text).await? {
            Some(job) => Ok(job),
            None => Err(failure),
        }
    }

    /// All jobs that somebody named; none is touched before all are found.
    async fn jobs(&self, texts: &[String]) -> Result<Vec<Job>, Failure> {
        let mut jobs = Vec::with_capacity(texts.len());
        for text in texts {
            jobs.push(self.job(text).await?);
        }
        Ok(jobs)
    }

    /// The job of the container whose id begins so. Hosts that do not answer know none.
    async fn job_of_container(&self, text: &str) -> Result<Option<Job>, Failure> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || text.len() < CONTAINER_ID_CHARS {
            return Ok(None);
        }
        let store = self.session.store().await?;
        for host in store.hosts().await? {
            let listed = self.service.list_containers(&host, Which::All).await;
            let found = listed.unwrap_or_default().into_iter();
            let mut its = found.filter(|container| container.id.starts_with(text));
            let Some(container) = its.next() else {
                continue;
            };
            let job = match Origin::of(&container, store.pool()) {
                Some(Origin::Pool { job, .. }) => job,
                Some(Origin::Legacy(origin)) => origin.job.and_then(|id| id.parse().ok()),
                None => None,
            };
            if let Some(id) = job {
                return Ok(store.job(id).await.ok());
            }
        }
        Ok(None)
    }

    /// The named host, or all; the environment's where the pool has none.
    async fn hosts(&self, name: Option<String>) -> Result<Vec<Host>, Failure> {
        super::images::places(self.session, name.as_slice()).await
    }

    /// Says what became of one job: a line for people, or JSON with the same word.
    fn answer(&self, job: &Job, word: &str, text: &str) -> Result<(), Failure> {
        let line = if self.session.global.json {
            let view = serde_json::json!({
                "schema": SCHEMA, "id": job.id, "answer": word, "text": text,
            });
            views::line(&view)
        } else {
            format!("{} {text}", job.id.short())
        };
        Ok(self.session.console.print(&line)?)
    }

    /// Says what went wrong with one of several.
    fn complain(&self, failure: &Failure) -> u8 {
        let console = &self.session.console;
        failure.lines().for_each(|line| console.complain(&line));
        FAILURE
    }
}

/// Failure if anything failed.
fn together(codes: impl IntoIterator<Item = u8>) -> u8 {
    codes.into_iter().max().unwrap_or(SUCCESS)
}

/// Tells of the pulls that containers need: live lines where there is a terminal, a line otherwise.
fn shown(session: &Session) -> OnJobPull {
    let (console, bars) = (Arc::clone(&session.console), session.console.live_bars());
    let shown: Mutex<Option<(JobId, OnPull)>> = Mutex::default();
    Arc::new(move |job, progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.take().filter(|(of, _)| *of == job);
        let (_, line) = shown.insert(known.unwrap_or_else(|| {
            console.say(&format!("pulling the image of job {}", job.short()));
            (job, on_pull(&bars, &job.short()))
        }));
        line(progress);
    })
}
