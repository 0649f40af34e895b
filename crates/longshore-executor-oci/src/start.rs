//! Starting containers, each once.

use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use longshore_runtime::RuntimeError;

use crate::faults;
use crate::handle::ContainerId;
use crate::opened::Opened;

/// Starts a container that was created; one that runs or has run is left as it is.
pub(crate) fn start(opened: &Opened, id: &ContainerId) -> Result<(), ExecutorError> {
    let absent = || {
        let text = format!("cannot start container {id}: it is not there, or no longer");
        ExecutorError::new(Fault::Conflict, text)
    };
    if !opened.has(id)? {
        return Err(absent());
    }
    match opened.runtime.start(&id.name()) {
        Ok(()) => Ok(()),
        Err(RuntimeError::Absent(_)) => Err(absent()),
        Err(why) => Err(faults::of_runtime(&format!("start container {id}"), why)),
    }
}
