//! Starting a container once, and reading what a refusal means.

use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::faults;
use crate::observe::{self, Container};

/// Whether a container can have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// Made a moment ago by this process, which never started it.
    None,
    /// It may have one.
    Unknown,
}

/// Starts a container that was created.
///
/// Guarantees: one that has run is never started again (the engine itself would do that): with an
/// unknown past, and after anything but a clear answer, it is looked at first.
pub(crate) async fn start(client: &Client, id: &str, past: Past) -> Result<(), ExecutorError> {
    if past == Past::Unknown && has_run(client, id).await? {
        return Ok(());
    }
    let Err(failure) = ask(client, id).await else {
        return Ok(());
    };
    if !failure.is_ambiguous() && failure.status().is_none() {
        return Err(failure.into());
    }
    let Ok(found) = observe::look(client, id).await else {
        return Err(failure.as_fault(faults::of_call(&failure)));
    };
    match found {
        Some(found) => decide(client, &found, failure).await,
        None => Err(absent(client, id)),
    }
}

async fn has_run(client: &Client, id: &str) -> Result<bool, ExecutorError> {
    let found = observe::inspect(client, id)
        .await?
        .ok_or_else(|| absent(client, id))?;
    match found.state.observed() {
        Observed::Running { .. } | Observed::Exited(_) => Ok(true),
        Observed::Created { .. } => Ok(false),
        Observed::Absent | Observed::Removing => Err(absent(client, id)),
    }
}

fn absent(client: &Client, id: &str) -> ExecutorError {
    let text = format!(
        "cannot start container {id}: it is not at {}, or no longer",
        client.place()
    );
    ExecutorError::new(Fault::Conflict, text)
}

async fn decide(client: &Client, found: &Container, failure: Failure) -> Result<(), ExecutorError> {
    let fault = faults::of_start(&failure, found.state.refusal_code());
    match found.state.observed() {
        // It runs or has run: the start has had its effect.
        Observed::Running { .. } | Observed::Exited(_) if failure.is_ambiguous() => Ok(()),
        Observed::Created { .. } if found.state.start_was_abandoned() => {
            let again = ask(client, &found.id).await;
            again.map_err(|failure| failure.as_fault(faults::of_start(&failure, 125)))
        }
        Observed::Created {
            refused: Some(refusal),
        } if failure.is_ambiguous() => {
            let text = format!("cannot start container {}: {}", found.id, refusal.message);
            Err(ExecutorError::new(refusal.fault, text))
        }
        Observed::Absent
        | Observed::Created { .. }
        | Observed::Running { .. }
        | Observed::Exited(_)
        | Observed::Removing => Err(failure.as_fault(fault)),
    }
}

async fn ask(client: &Client, id: &str) -> Result<(), Failure> {
    let path = format!("/containers/{id}/start");
    let call = Call::post(
        path,
        client.deadlines().launch,
        format!("start container {id}"),
    );
    client.status(call).await.map(drop)
}
