//! `submit`: stores jobs for the workers; prints their ids and nothing else; of an array, its one id.

use std::collections::BTreeSet;

use longshore_core::array::ArrayPlace;
use longshore_store::{NewJob, Submitted};

use crate::args::SubmitArgs;
use crate::commands::intake::{self, When};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SubmitArgs) -> Result<u8, Failure> {
    let jobs = intake::take_in(session, &args.job, When::Sometime).await?;
    let submitted = session.store().await?.submit(&jobs, session.now()).await?;
    let mut arrays = BTreeSet::new();
    for (job, answer) in jobs.iter().zip(&submitted) {
        let array = array(session, job, answer).await?;
        if session.global.json {
            let (id, is_new) = (answer.id, answer.is_new);
            let view =
                serde_json::json!({ "schema": SCHEMA, "id": id, "new": is_new, "array": array });
            session.console.print(&views::line(&view))?;
            continue;
        }
        match array {
            None => session.console.print(&answer.id.to_string())?,
            Some(place) if arrays.insert(place.id) => {
                session.console.print(&place.id.to_string())?;
            }
            Some(_) => {}
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

/// Which job of which array was stored, now or by the first submit of its key.
async fn array(
    session: &Session,
    job: &NewJob,
    answer: &Submitted,
) -> Result<Option<ArrayPlace>, Failure> {
    match &job.array {
        Some(array) if answer.is_new => Ok(Some(array.place)),
        Some(_) => Ok(session.job_by_id(answer.id).await?.array),
        None => Ok(None),
    }
}
