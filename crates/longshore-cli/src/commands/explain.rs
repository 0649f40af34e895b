//! `explain`: why a job is where it is, and what change would move it.

use longshore_core::event::EventKind;
use longshore_core::job::{Driver, Job};
use longshore_core::limits::PAGE;
use longshore_core::outcome::{JobStatus, Outcome};
use longshore_store::EventFilter;

use crate::args::SomeJobs;
use crate::commands::{gates, outlook};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::explanation::{Explanation, HostLine, QueuePlace};
use crate::render::tables;
use crate::render::views;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SomeJobs) -> Result<u8, Failure> {
    let mut explanations = Vec::new();
    for job in session.jobs(&args.jobs).await? {
        explanations.push(explain(session, &job).await?);
    }
    if session.global.json {
        session.console.print(&views::pretty(&explanations))?;
        return Ok(SUCCESS);
    }
    for explanation in &explanations {
        for line in explanation.lines(session.now()) {
            session.console.print(&line)?;
        }
    }
    Ok(SUCCESS)
}

async fn explain(session: &Session, job: &Job) -> Result<Explanation, Failure> {
    let plain = Explanation {
        schema: views::SCHEMA,
        id: job.id,
        status: job.status.word(),
        title: format!("{} is {}", job.id.short(), tables::status(job)),
        why: Vec::new(),
        until: None,
        queue: None,
        hosts: Vec::new(),
        changes: Vec::new(),
    };
    match job.status {
        JobStatus::Queued => queued(session, job, plain).await,
        JobStatus::Pending => pending(session, job, plain).await,
        JobStatus::Retrying => Ok(retrying(job, plain)),
        JobStatus::Launching
        | JobStatus::Running
        | JobStatus::Completed
        | JobStatus::Failed
        | JobStatus::Timeout
        | JobStatus::Cancelled => placed(session, job, plain).await,
    }
}

/// Which hosts would take it, and when its turn comes.
async fn queued(session: &Session, job: &Job, plain: Explanation) -> Result<Explanation, Failure> {
    let (store, now) = (session.store().await?, session.now());
    let answers = outlook::answers(session, store, job).await?;
    let forecast = outlook::forecast(store, job, &answers, now).await?;
    let (shut, turn) = (
        gates::shut(store, job).await?,
        gates::turn(store, job).await?,
    );
    let is_taken = answers.iter().any(|answer| answer.answer.is_ok());
    let mut changes: Vec<String> = shut.iter().map(|gate| gate.fix.clone()).collect();
    if answers.is_empty() {
        changes.push("add a host: `longshore hosts add NAME`".to_owned());
    }
    if session.backstage.workers_here(store) == Some(0) {
        changes.push("no worker runs on this machine: start one by `longshore worker`".to_owned());
    }
    if !is_taken {
        changes.extend(answers.iter().filter_map(outlook::HostAnswer::remedy));
    }
    let hosts = answers.iter().map(|answer| HostLine {
        takes_it: answer.answer.is_ok(),
        text: answer.text(),
        fix: answer.remedy(),
        host: answer.host.clone(),
    });
    Ok(Explanation {
        hosts: hosts.collect(),
        why: shut
            .iter()
            .map(|gate| gate.why.clone())
            .chain(turn)
            .collect(),
        queue: Some(QueuePlace {
            queued_at: job.queued_at,
            ahead: forecast.ahead,
            // Nobody knows when somebody opens it.
            expected_start: forecast.start.filter(|_| shut.is_empty()),
            past_runs: forecast.runs,
        }),
        changes,
        ..plain
    })
}

async fn pending(session: &Session, job: &Job, plain: Explanation) -> Result<Explanation, Failure> {
    let waits = gates::awaited(session.store().await?, job).await?;
    if !waits.is_empty() {
        let why = waits.iter().map(|gate| gate.why.clone());
        let delay = job
            .not_before
            .map(|until| format!("it is delayed until {until:.0}"));
        let changes = waits.iter().map(|gate| gate.fix.clone());
        return Ok(Explanation {
            why: why.chain(delay).collect(),
            changes: changes.filter(|fix| !fix.is_empty()).take(1).collect(),
            until: job.not_before,
            ..plain
        });
    }
    Ok(held(job, plain))
}

fn held(job: &Job, plain: Explanation) -> Explanation {
    let short = job.id.short();
    let (why, change) = match (job.driver, job.not_before) {
        (Driver::Service, _) => (
            "its caller drives it: no worker starts it".to_owned(),
            format!("`longshore docker launch --job {short}` starts it"),
        ),
        (Driver::Engine, Some(until)) => (
            format!("it is delayed until {until:.0}"),
            format!("wait, or submit it anew without a delay and `longshore cancel {short}`"),
        ),
        (Driver::Engine, None) => (
            "it is held".to_owned(),
            format!("`longshore cancel {short}` gives it up"),
        ),
    };
    Explanation {
        why: vec![why],
        until: job.not_before,
        changes: vec![change],
        ..plain
    }
}

fn retrying(job: &Job, plain: Explanation) -> Explanation {
    let said = job.message.as_deref().unwrap_or("without a word");
    let code = job
        .exit_code
        .map(|code| format!(" with exit code {code}"))
        .unwrap_or_default();
    let policy = &job.spec.retry;
    let budgets = format!(
        "retries used: {} of {} for its own failures, {} of {} for those of host or registry",
        job.retries_used, policy.retries, job.infra_retries_used, policy.infra_retries
    );
    let next = job
        .not_before
        .map(|at| format!("the next attempt is due at {at:.0}"));
    let failed = format!("attempt {} failed{code}: {said}", job.attempt);
    Explanation {
        why: [failed, budgets].into_iter().chain(next).collect(),
        until: job.not_before,
        ..plain
    }
}

/// Where it runs or ran, and why there.
async fn placed(session: &Session, job: &Job, plain: Explanation) -> Result<Explanation, Failure> {
    let mut why = Vec::new();
    if let Some(host) = job.host {
        let name = session.host_names().await?.name(host);
        why.push(format!("attempt {} on host {name}", job.attempt));
    }
    why.extend(
        placing(session, job)
            .await?
            .map(|why| format!("placed by {why}")),
    );
    let attempts = session.store().await?.attempts(job.id).await?;
    if let Some(since) = attempts.last().and_then(|attempt| attempt.unknown_since) {
        why.push(format!(
            "its host does not answer since {since:.0}: nothing is decided"
        ));
    }
    why.extend(limited(session, job).await?);
    why.extend(job.message.clone());
    let mut changes = Vec::new();
    if job.outcome.is_some_and(Outcome::is_for_dependency) {
        let waits = gates::awaited(session.store().await?, job).await?;
        why.extend(waits.iter().map(|gate| gate.why.clone()));
        changes.extend(
            waits
                .into_iter()
                .map(|gate| gate.fix)
                .find(|fix| !fix.is_empty()),
        );
    }
    Ok(Explanation {
        why,
        changes,
        ..plain
    })
}

/// Which registry it may wait for: one that limits pulls.
async fn limited(session: &Session, job: &Job) -> Result<Option<String>, Failure> {
    if job.status != JobStatus::Launching {
        return Ok(None);
    }
    let registry = job.spec.image.registry_host();
    let pace = session.store().await?.pace(registry, session.now()).await?;
    Ok(pace.map(|pace| format!("registry {registry} limits pulls until {:.0}", pace.next_at)))
}

/// What the worker said that claimed the last attempt.
async fn placing(session: &Session, job: &Job) -> Result<Option<String>, Failure> {
    let store = session.store().await?;
    let mut filter = EventFilter {
        job: Some(job.id),
        after: 0,
        limit: PAGE,
    };
    let mut last = None;
    loop {
        let events = store.events(filter).await?;
        let Some(end) = events.last().map(|event| event.sequence) else {
            return Ok(last);
        };
        let claim = events
            .into_iter()
            .rfind(|event| event.kind == EventKind::Claimed && !event.detail.is_empty());
        last = claim.map(|event| event.detail).or(last);
        filter.after = end;
    }
}
