//! `retry`: tries jobs again that ended otherwise than completed.

use longshore_store::RetryAnswer;

use crate::args::SomeJobs;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SomeJobs) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for job in session.jobs(&args.jobs).await? {
        let (word, text) = match session
            .store()
            .await?
            .request_retry(job.id, session.now())
            .await?
        {
            RetryAnswer::Queued => ("queued", "queued again".to_owned()),
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
