//! How a job's end is told to whoever stayed with it: what, where, what was said, whose fault.

use longshore_core::fault::Blame;
use longshore_core::job::Job;
use longshore_core::outcome::{FailReason, Limit, Outcome};
use longshore_core::spec::TimeLimit;

use crate::failure::Failure;
use crate::render::tables;
use crate::render::views::{self, JobView};
use crate::session::Session;

/// Says how it ended, where the exit code alone does not.
pub(super) async fn report(session: &Session, job: &Job) -> Result<(), Failure> {
    if session.global.json {
        let view = JobView::new(job, &session.host_names().await?);
        session.console.complain(&views::line(&view));
        return Ok(());
    }
    match job.outcome {
        None
        | Some(
            Outcome::Completed
            | Outcome::Cancelled(_)
            | Outcome::Failed(FailReason::Exit(_) | FailReason::Signal(_)),
        ) => Ok(()),
        Some(outcome @ (Outcome::Failed(_) | Outcome::TimedOut(_))) => {
            explain(session, job, outcome).await
        }
    }
}

async fn explain(session: &Session, job: &Job, outcome: Outcome) -> Result<(), Failure> {
    let place = match job.host {
        Some(host) => format!(" on host {}", session.host_names().await?.name(host)),
        None => String::new(),
    };
    let said = job
        .message
        .as_ref()
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    let id = job.id.short();
    session.console.complain(&format!(
        "error: job {id} {}{place}{said}",
        tables::status(job)
    ));
    let advice = advice(job, outcome);
    session.console.say(&format!(
        " hint: {advice}; `longshore events {id}` shows what happened, `longshore retry {id}` tries again"
    ));
    Ok(())
}

/// Whose fault it is, and what would help.
fn advice(job: &Job, outcome: Outcome) -> String {
    match outcome {
        Outcome::TimedOut(limit) => limit_advice(job, limit),
        Outcome::Failed(FailReason::Oom) => {
            let memory = job
                .spec
                .memory
                .map(|size| size.to_string())
                .unwrap_or_default();
            format!("its memory limit was {memory}; --memory raises it")
        }
        Outcome::Completed | Outcome::Failed(_) | Outcome::Cancelled(_) => match outcome.blame() {
            Some(Blame::Infrastructure) => {
                "this lies with the host, the registry or the network".to_owned()
            }
            Some(Blame::Job) | None => "this lies with the job, its image or its flags".to_owned(),
        },
    }
}

fn limit_advice(job: &Job, limit: Limit) -> String {
    let timeouts = &job.spec.timeouts;
    let (value, flag) = match limit {
        Limit::Queue => (timeouts.queue, "--queue-timeout"),
        Limit::Pull => (Some(timeouts.pull), "--pull-timeout or --pull-idle-timeout"),
        Limit::Start => (Some(timeouts.start), "--start-timeout"),
        Limit::Run => (timeouts.run, "--timeout"),
        Limit::Total => (timeouts.total, "--total-timeout"),
    };
    let value = value.as_ref().map(TimeLimit::to_string).unwrap_or_default();
    format!("its {} limit was {value}; {flag} raises it", limit.word())
}
