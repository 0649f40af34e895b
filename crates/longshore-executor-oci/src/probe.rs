//! Who and how this machine is.

use std::fs;
use std::io::Write;
use std::path::Path;

use jiff::SignedDuration;
use longshore_core::fault::Fault;
use longshore_core::host::HostFacts;
use longshore_executor::ExecutorError;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ground::Ground;
use crate::opened::Opened;
use crate::{faults, machine, user};

/// There is one way to speak to it.
const API: &str = "1";

/// Looks at the machine.
pub(crate) async fn probe(ground: &Ground) -> Result<HostFacts, ExecutorError> {
    let obstacles = machine::obstacles(ground.root());
    if !obstacles.is_empty() {
        let text = format!("no containers without an engine: {}", obstacles.join("; "));
        return Err(ExecutorError::new(Fault::Unsupported, text));
    }
    let asked_at = Instant::now();
    let deadline = longshore_core::limits::PROBE_CALL;
    let facts = ground.call(deadline, "look at this machine", facts);
    let facts = facts.await?;
    Ok(HostFacts {
        latency: asked_at.elapsed(),
        ..facts
    })
}

fn facts(opened: &Opened) -> Result<HostFacts, ExecutorError> {
    opened.check_program()?;
    let id = identity(&opened.root().join("id"));
    let space = rustix::fs::statvfs(opened.root()).ok();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let no_network = opened.means().err().map(|missing| {
        format!(
            "there is no private network here, jobs that name none have loopback alone: {missing}"
        )
    });
    let no_init = opened.program().map(|program| {
        let program = program.display();
        format!(
            "containers are run by {program}: they have no small init, a job's program is PID 1"
        )
    });
    Ok(HostFacts {
        engine: "longshore".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api_version: API.to_owned(),
        engine_id: id.map_err(|why| faults::of_file("keep this host's identity", why))?,
        platform: machine::platform().to_string(),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        memory_bytes: machine::memory_bytes().unwrap_or(0),
        storage_driver: "overlay".to_owned(),
        cgroup_version: machine::cgroup_version(),
        latency: std::time::Duration::ZERO,
        clock_skew: SignedDuration::ZERO,
        engine_started_at: None,
        free_disk_bytes: space.map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
        warnings: no_network
            .into_iter()
            .chain(no_init)
            .chain(user::warnings())
            .collect(),
    })
}

/// Made once, by whoever comes first.
fn identity(file: &Path) -> std::io::Result<String> {
    if let Ok(id) = fs::read_to_string(file) {
        return Ok(id);
    }
    let aside = file.with_extension(Uuid::new_v4().simple().to_string());
    let mut made = fs::File::create(&aside)?;
    made.write_all(Uuid::new_v4().to_string().as_bytes())?;
    let named = fs::hard_link(&aside, file);
    fs::remove_file(&aside)?;
    match named {
        Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(why),
        Ok(()) | Err(_) => fs::read_to_string(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let first = identity(&file).unwrap();
        assert!(first.parse::<Uuid>().is_ok());
        assert_eq!(identity(&file).unwrap(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
