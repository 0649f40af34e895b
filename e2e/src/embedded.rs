//! This machine without an engine, as a test sees it from outside: folders, and the runtime's own calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_runtime::{Runtime, RuntimeOptions, Status, SupervisorProgram, WhileRunning};
use longshore_testkit::{EngineAccess, longshore_bin};
use rustix::process::{Flock, FlockType, Signal};
use serde_json::Value;

const KILL: i32 = 9;

/// The folder of one embedded host.
#[derive(Debug)]
pub(crate) struct Embedded {
    root: PathBuf,
    /// Whose network its commands are in, if not this process's.
    beside: Option<EngineAccess>,
}

impl Embedded {
    pub(crate) fn at(root: PathBuf, beside: Option<EngineAccess>) -> Self {
        Self { root, beside }
    }

    /// The binary, in the right network.
    pub(crate) fn binary(&self) -> Command {
        match &self.beside {
            None => Command::new(longshore_bin()),
            Some(engine) => engine.command_in_network(&longshore_bin().display().to_string()),
        }
    }

    /// The ids of all containers, or of those of a job.
    pub(crate) fn containers(&self, job: Option<&str>) -> Vec<String> {
        let Ok(names) = self.runtime().names() else {
            return Vec::new();
        };
        let labels = names.iter().filter_map(|name| self.labels(name));
        labels
            .filter(|labels| job.is_none_or(|job| labels["io.longshore.job"] == *job))
            .filter_map(|labels| labels["longshore.oci/id"].as_str().map(str::to_owned))
            .collect()
    }

    /// In the words of an engine.
    pub(crate) fn status(&self, id: &str) -> Option<String> {
        let status = self.runtime().status(&self.name_of(id)?).ok()??;
        Some(match status {
            Status::Created { .. } | Status::Starting => "created".to_owned(),
            Status::Running { .. } => "running".to_owned(),
            Status::Ended(_) | Status::Lost { .. } => "exited".to_owned(),
        })
    }

    pub(crate) fn kill(&self, id: &str) {
        let name = self.name_of(id).expect("the container is there");
        let sent = self.runtime().signal(&name, KILL);
        sent.expect("the container runs");
    }

    /// It says by its lock which process it is.
    pub(crate) fn kill_supervisor(&self, id: &str) {
        let name = self.name_of(id).expect("the container is there");
        let lock = self
            .root
            .join("containers")
            .join(name)
            .join("container.json");
        let lock = fs::File::open(lock).expect("a container has a record");
        let wanted = Flock::from(FlockType::WriteLock);
        let holder = rustix::process::fcntl_getlk(lock, &wanted).expect("locks can be asked for");
        let pid = holder.and_then(|holder| holder.pid);
        let pid = pid.expect("a supervisor holds the lock");
        rustix::process::kill_process(pid, Signal::KILL).expect("it lives");
    }

    pub(crate) fn volume_file(&self, volume: &str, file: &str) -> PathBuf {
        self.root
            .join("volumes")
            .join(volume)
            .join("content")
            .join(file)
    }

    /// What is in a file of a volume; empty when there is none.
    pub(crate) fn in_volume(&self, volume: &str, file: &str) -> String {
        let text = fs::read_to_string(self.volume_file(volume, file)).unwrap_or_default();
        text.trim_end().to_owned()
    }

    /// Removes all containers with their supervisors.
    pub(crate) fn clean(&self) {
        let runtime = self.runtime();
        for name in runtime.names().unwrap_or_default() {
            let _ = runtime.remove(&name, WhileRunning::Kill);
        }
    }

    fn name_of(&self, id: &str) -> Option<String> {
        let names = self.runtime().names().ok()?;
        let has_id = |name: &String| {
            self.labels(name)
                .is_some_and(|labels| labels["longshore.oci/id"] == *id)
        };
        names.into_iter().find(has_id)
    }

    fn labels(&self, name: &str) -> Option<Value> {
        let file = self
            .root
            .join("containers")
            .join(name)
            .join("container.json");
        let text = fs::read_to_string(Path::new(&file)).ok()?;
        let container: Value = serde_json::from_str(&text).ok()?;
        Some(container["config"]["labels"].clone())
    }

    fn runtime(&self) -> Runtime {
        Runtime::open(RuntimeOptions {
            root: self.root.clone(),
            supervisor: SupervisorProgram::Path(longshore_bin()),
            oci_runtime: None,
        })
        .expect("this machine can run containers by itself")
    }
}
