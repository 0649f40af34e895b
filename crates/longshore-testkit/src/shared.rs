//! The engine that all tests share. It outlives the command that started it.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::access::EngineAccess;
use crate::engine::{Engine, EngineOptions, FOLDER_PREFIX, living_sandbox, remove_run_dir};
use crate::places::{testbed_dir, workspace_dir};
use crate::sandbox::Lifetime;

/// Where tests are told which engine to use.
const HOST_VARIABLE: &str = "LONGSHORE_TEST_DOCKER_HOST";

/// The engine for tests: the one that `LONGSHORE_TEST_DOCKER_HOST` names, else the one that
/// `cargo xtask engine up` started.
///
/// # Panics
/// When it does not answer. A test that needs an engine fails without one; it is never skipped.
pub fn shared_engine() -> EngineAccess {
    let own = SharedEngine::of_this_workspace();
    let named = env::var(HOST_VARIABLE).ok().filter(|host| !host.is_empty());
    let access = match named {
        None => own.access(),
        // With the sandbox known, registries can be put into the engine's network.
        Some(host) => own
            .access()
            .filter(|access| access.docker_host() == host)
            .or_else(|| Some(EngineAccess::foreign(&host))),
    };
    let answering = access.filter(EngineAccess::answers);
    answering.unwrap_or_else(|| {
        panic!("no container engine answers for tests: run `cargo xtask engine up` first")
    })
}

/// The shared engine of one workspace, as the chores see it.
#[derive(Debug)]
pub struct SharedEngine {
    run_dir: PathBuf,
    data_root: PathBuf,
}

impl SharedEngine {
    /// The one of the workspace that this was built in.
    pub fn of_this_workspace() -> Self {
        let mut hasher = DefaultHasher::new();
        workspace_dir().hash(&mut hasher);
        let name = format!("shared-{:08x}", hasher.finish() & 0xffff_ffff);
        Self::named(&name, testbed_dir().join("engine"))
    }

    /// Another one, that keeps its images and containers in `data_root`.
    pub fn named(name: &str, data_root: PathBuf) -> Self {
        let run_dir = Path::new("/tmp").join(format!("{FOLDER_PREFIX}-{name}"));
        Self { run_dir, data_root }
    }

    /// How to reach it; `None` when it was not started or has ended.
    pub fn access(&self) -> Option<EngineAccess> {
        let sandbox = living_sandbox(&self.run_dir)?;
        Some(EngineAccess::sandboxed(
            &self.run_dir.join("docker.sock"),
            sandbox,
        ))
    }

    /// Starts it unless it answers already.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn up(&self) -> Result<EngineAccess> {
        let _lock = lock()?;
        if let Some(access) = self.access().filter(EngineAccess::answers) {
            return Ok(access);
        }
        self.remove()?;
        fs::create_dir_all(&self.data_root)?;
        let options = EngineOptions {
            data_root: Some(self.data_root.clone()),
            ..EngineOptions::default()
        };
        let engine = Engine::start_in(self.run_dir.clone(), &options, Lifetime::Detached)?;
        Ok(engine.access().clone())
    }

    /// Ends it and removes all that it made: processes, mounts, networks, containers, images.
    ///
    /// # Errors
    /// When its data cannot be removed.
    pub fn down(&self) -> Result<()> {
        let _lock = lock()?;
        self.remove()
    }

    fn remove(&self) -> Result<()> {
        if let Some(sandbox) = living_sandbox(&self.run_dir) {
            sandbox.end();
        }
        remove_run_dir(&self.run_dir);
        if self.data_root.exists() {
            fs::remove_dir_all(&self.data_root)?;
        }
        Ok(())
    }
}

/// Commands that start or end the shared engine wait for each other while this file is open.
fn lock() -> Result<File> {
    fs::create_dir_all(testbed_dir())?;
    let file = File::create(testbed_dir().join("engine.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Removes what engines of tests left that were killed; returns the removed folders.
pub fn sweep() -> Vec<PathBuf> {
    let folders = fs::read_dir("/tmp")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_engine = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(FOLDER_PREFIX)) && folder.join("sandbox").is_file()
    };
    let dead = |folder: &PathBuf| living_sandbox(folder).is_none();
    let stale: Vec<PathBuf> = folders.filter(is_engine).filter(dead).collect();
    for folder in &stale {
        remove_run_dir(folder);
    }
    stale
}
