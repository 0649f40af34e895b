//! `retry`: tries jobs again that ended otherwise than completed.

use longshore_core::job::Job;
use longshore_core::outcome::Outcome;
use longshore_store::RetryAnswer;

use crate::args::RetryArgs;
use crate::commands::which;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: RetryArgs) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for job in jobs(session, &args).await? {
        let (word, text) = match session
            .store()
            .await?
            .request_retry(job.id, session.now())
            .await?
        {
            RetryAnswer::Queued => ("queued", "queued again".to_owned()),
            RetryAnswer::InVain(upstream) => {
                code = FAILURE;
                let short = upstream.short();
                let text = format!(
                    "waits for {upstream} in vain: `longshore retry {short}` brings it back, too"
                );
                ("in_vain", text)
            }
            RetryAnswer::OfService => {
                code = FAILURE;
                let short = job.id.short();
                (
                    "of_service",
                    format!("is moved by its caller: use `longshore docker restart {short}`"),
                )
            }
            RetryAnswer::NotFinal(status) => {
                code = FAILURE;
                (
                    "not_final",
                    format!("is {status}: cancel it first, or wait for its end"),
                )
            }
            RetryAnswer::AlreadyCompleted => {
                code = FAILURE;
                (
                    "completed",
                    "has completed: submit it anew to run it again".to_owned(),
                )
            }
        };
        let line = if session.global.json {
            views::line(&serde_json::json!({ "schema": SCHEMA, "id": job.id, "answer": word }))
        } else {
            format!("{} {text}", job.id.short())
        };
        session.console.print(&line)?;
    }
    Ok(code)
}

/// Those that were named, or all dead ones that fit, the oldest first: what waited for another one in
/// vain comes back with that.
async fn jobs(session: &Session, args: &RetryArgs) -> Result<Vec<Job>, Failure> {
    if !args.which.dead {
        return session.jobs(&args.jobs).await;
    }
    let filter = which::filter(session, &args.which).await?;
    let mut jobs = which::read(session, filter, u32::MAX).await?;
    jobs.retain(|job| !job.outcome.is_some_and(Outcome::is_for_dependency));
    jobs.reverse();
    Ok(jobs)
}
