//! Why a job is still queued, told to whoever waits for it.

use std::convert::Infallible;
use std::time::Duration;

use futures::future::join_all;
use longshore_core::JobId;
use longshore_core::host::Host;
use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;

use crate::commands::narrate::Narrator;
use crate::commands::outlook;
use crate::failure::Failure;
use crate::session::Session;

/// A job that is not taken after this time waits for a reason.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// Pause between two looks.
const LOOK_PERIOD: Duration = Duration::from_secs(10);

/// Looks at the hosts while the job is queued and tells what stands in the way, each time that it
/// is something else; until dropped, or until the store fails.
pub(super) async fn tell_why(
    session: &Session,
    id: JobId,
    narrator: &Narrator<'_>,
) -> Result<Infallible, Failure> {
    let mut pause = FIRST_LOOK;
    let mut told = None;
    loop {
        tokio::time::sleep(pause).await;
        pause = LOOK_PERIOD;
        let job = session.job_by_id(id).await?;
        if job.status != JobStatus::Queued {
            told = None;
            continue;
        }
        let why = why(session, &job).await?;
        if why != told {
            if let Some(text) = &why {
                narrator.line(text);
            }
            told = why;
        }
    }
}

/// What stands in the way: no host takes the job. Where nobody else looks after the hosts, those
/// that could take it are asked whether they are there.
async fn why(session: &Session, job: &Job) -> Result<Option<String>, Failure> {
    let store = session.store().await?;
    if let Some(said) = down(session, job).await? {
        return Ok(Some(format!("queued until a host answers: {said}")));
    }
    let obstacle = outlook::obstacle(session, store, job).await?;
    Ok(obstacle.map(|said| format!("queued: {said}")))
}

/// What every host said that could take the job, if none of them is up.
async fn down(session: &Session, job: &Job) -> Result<Option<String>, Failure> {
    let hosts = session.store().await?.hosts().await?;
    let wanted = &job.spec.host;
    let could = |host: &&Host| wanted.as_ref().is_none_or(|name| *name == host.name);
    let candidates: Vec<&Host> = hosts.iter().filter(could).collect();
    let probes = candidates.iter().map(|host| session.backstage.probe(host));
    let mut troubles = Vec::new();
    for answer in join_all(probes).await {
        match answer {
            Ok(_) => return Ok(None),
            Err(trouble) => troubles.push(trouble.to_string()),
        }
    }
    let said = troubles.join("; ");
    Ok((!said.is_empty()).then_some(said))
}
