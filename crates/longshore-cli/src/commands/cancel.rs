//! `cancel`: gives jobs up.

use longshore_store::CancelAnswer;

use crate::args::SomeJobs;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SomeJobs) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for job in session.jobs(&args.jobs).await? {
        let answer = session
            .store()
            .await?
            .request_cancel(job.id, session.now())
            .await?;
        let (word, text) = match answer {
            CancelAnswer::Cancelled => ("cancelled", "cancelled before it ran".to_owned()),
            CancelAnswer::Requested => {
                let grace = job.spec.timeouts.stop_grace;
                ("requested", format!("asked to stop; killed after {grace}"))
            }
            CancelAnswer::OfService => {
                code = FAILURE;
                let short = job.id.short();
                (
                    "of_service",
                    format!("is moved by its caller: use `longshore docker cancel {short}`"),
                )
            }
            CancelAnswer::AlreadyFinal(status) => {
                code = FAILURE;
                ("already_final", format!("already {status}"))
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
