//! `submit`: stores jobs for the workers; prints their ids and nothing else.

use crate::args::SubmitArgs;
use crate::commands::intake::{self, When};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SubmitArgs) -> Result<u8, Failure> {
    let jobs = intake::take_in(session, &args.job, When::Sometime).await?;
    let submitted = session.store().await?.submit(&jobs, session.now()).await?;
    for job in &submitted {
        if session.global.json {
            let view = serde_json::json!({ "schema": SCHEMA, "id": job.id, "new": job.is_new });
            session.console.print(&views::line(&view))?;
        } else {
            session.console.print(&job.id.to_string())?;
        }
    }
    let known = submitted.iter().filter(|job| !job.is_new).count();
    if known > 0 {
        session.console.say(&format!(
            "{known} known by idempotency key, not stored again"
        ));
    }
    Ok(SUCCESS)
}
