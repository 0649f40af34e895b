//! Stopping and removing containers.

use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_core::limits;
use longshore_executor::{ExecutorError, Force, Removed};
use longshore_runtime::{Delivered, Removal, Status, WhileRunning};
use tokio::time::{Instant, timeout};

use crate::faults;
use crate::ground::Ground;
use crate::handle::ContainerId;
use crate::observe;
use crate::opened::Opened;

/// An end is heard; that of a supervisor that was killed is only seen.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Asks a container to stop and returns when it has ended. Its supervisor kills it after the grace,
/// even if this call is dropped.
pub(crate) async fn stop(
    ground: &Ground,
    id: &ContainerId,
    grace_secs: u32,
) -> Result<(), ExecutorError> {
    let grace = Duration::from_secs(grace_secs.into());
    let mut changes = ground.lookout().await?.changes(&id.name());
    let tried = format!("stop container {id}");
    let deadline = Instant::now() + grace + limits::STOP_SLACK;
    let own = id.clone();
    let asked = ground.call(limits::CONTROL_CALL, &tried, move |opened| {
        ask(opened, &own, grace)
    });
    if asked.await? == Asked::Nothing {
        return Ok(());
    }
    loop {
        let own = id.clone();
        let look = ground.call(limits::CONTROL_CALL, &tried, move |opened| {
            runs(opened, &own)
        });
        if !look.await? {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let text = format!("cannot {tried}: it still runs {grace:?} later");
            return Err(ExecutorError::new(Fault::TimedOut, text));
        }
        let _ = timeout(LOOK_AGAIN, changes.changed()).await;
    }
}

#[derive(PartialEq, Eq)]
enum Asked {
    /// There is nothing to wait for.
    Nothing,
    /// It is going to end.
    ItsSupervisor,
}

fn ask(opened: &Opened, id: &ContainerId, grace: Duration) -> Result<Asked, ExecutorError> {
    let Some(config) = opened.container_of(id)? else {
        return Ok(Asked::Nothing);
    };
    let stopped = opened.runtime.stop(&id.name(), config.stop_signal, grace);
    match stopped.map_err(|why| faults::of_runtime(&format!("stop container {id}"), why))? {
        Delivered::Yes => Ok(Asked::ItsSupervisor),
        Delivered::NotRunning | Delivered::WasAbsent => Ok(Asked::Nothing),
    }
}

fn runs(opened: &Opened, id: &ContainerId) -> Result<bool, ExecutorError> {
    Ok(match observe::status(opened, id)? {
        Some(Status::Starting | Status::Running { .. }) => true,
        Some(Status::Created { .. } | Status::Ended(_) | Status::Lost { .. }) | None => false,
    })
}

/// Removes a container with its volumes without a name, and lets its image go.
pub(crate) fn remove(
    opened: &Opened,
    id: &ContainerId,
    force: Force,
) -> Result<Removed, ExecutorError> {
    let name = id.name();
    let tried = format!("remove container {id}");
    if !opened.has(id)? {
        return Ok(Removed::WasAbsent);
    }
    let while_running = match force {
        Force::Never => WhileRunning::Spare,
        Force::Kill => WhileRunning::Kill,
    };
    let removal = opened.runtime.remove(&name, while_running);
    let removal = removal.map_err(|why| faults::of_runtime(&tried, why))?;
    opened.ends.take(&id.handle());
    opened.seen.forget(id);
    match removal {
        Removal::Runs => {
            let text = format!("cannot {tried}: it runs");
            return Err(ExecutorError::new(Fault::Conflict, text));
        }
        Removal::Gone | Removal::WasAbsent => {}
    }
    // A hold that stays because of a crash here is found to be nobody's when images are removed.
    let released = opened.images.release(&name);
    released.map_err(|why| faults::of_images(&tried, why))?;
    Ok(match removal {
        Removal::Gone | Removal::Runs => Removed::Gone,
        Removal::WasAbsent => Removed::WasAbsent,
    })
}
