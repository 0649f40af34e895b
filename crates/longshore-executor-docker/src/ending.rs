//! Stopping and removing containers.

use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_executor::{ExecutorError, Force, Removed};

use crate::client::{Call, Client};
use crate::faults;

/// Asks a container to stop and returns when it has ended; the engine kills it after the grace,
/// even if this call is dropped.
pub(crate) async fn stop(client: &Client, id: &str, grace_secs: u32) -> Result<(), ExecutorError> {
    let deadline = Duration::from_secs(grace_secs.into()) + client.deadlines().stop_slack;
    let path = format!("/containers/{id}/stop?t={grace_secs}");
    let call = Call::post(path, deadline, format!("stop container {id}"));
    match client.status(call).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.status() == Some(404) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Removes a container and its anonymous volumes.
pub(crate) async fn remove(
    client: &Client,
    id: &str,
    force: Force,
) -> Result<Removed, ExecutorError> {
    let force = match force {
        Force::Never => "",
        Force::Kill => "&force=true",
    };
    let path = format!("/containers/{id}?v=true{force}");
    let call = Call::delete(
        path,
        client.deadlines().remove,
        format!("remove container {id}"),
    );
    let Err(failure) = client.status(call).await else {
        return Ok(Removed::Gone);
    };
    match failure.status() {
        Some(404) => Ok(Removed::WasAbsent),
        Some(409) if faults::is_being_removed(&failure) => Ok(Removed::Pending),
        Some(409) => Err(failure.as_fault(Fault::Conflict)),
        Some(_) | None => Err(failure.into()),
    }
}
