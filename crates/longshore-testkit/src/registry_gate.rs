//! A gate before a registry that limits pulls as public registries do, or breaks off inside a layer.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;

use crate::access::EngineAccess;
use crate::names::temp_dir;
use crate::registry::{Registry, free_port};
use crate::tethered::Tethered;

const PROGRAM: &str = include_str!("registry_gate.py");

/// How a gate treats who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateMood {
    /// Everything is passed on.
    Open,
    /// Everything is answered with 429.
    Limits,
    /// Layers of more than two megabytes break off in the middle; all else is passed on.
    Cuts,
    /// Layers of more than two megabytes stop in the middle until the mood is another.
    Stalls,
}

/// A running gate; it ends when it is dropped.
#[derive(Debug)]
pub struct RegistryGate {
    address: String,
    folder: TempDir,
    _server: Tethered,
}

impl RegistryGate {
    /// Starts an open gate in the engine's network, before a registry that is open itself.
    ///
    /// # Errors
    /// When python3 is missing or does not start.
    pub fn start(engine: &EngineAccess, registry: &Registry) -> Result<Self> {
        let folder = temp_dir();
        let program = folder.path().join("gate.py");
        fs::write(&program, PROGRAM)?;
        let (mood, port) = (mood_file(&folder), free_port()?);
        fs::write(&mood, GateMood::Open.word())?;
        let behind = registry.address().rsplit(':').next().unwrap_or_default();
        let arguments = [&program, &port.to_string().into(), &behind.into(), &mood]
            .map(|path: &PathBuf| path.display().to_string());
        let [program, own, behind, mood] = &arguments;
        let server = Tethered::start(
            engine.command_in_network("sh"),
            &["python3", program, own, behind, mood],
            port,
            &folder.path().join("gate.log"),
        )?;
        Ok(Self {
            address: format!("127.0.0.1:{port}"),
            folder,
            _server: server,
        })
    }

    /// Starts an open gate in the network of this process, before a registry that is there, too.
    ///
    /// # Errors
    /// As [`RegistryGate::start`].
    pub fn start_here(registry: &Registry) -> Result<Self> {
        Self::start(&EngineAccess::nobodys(), registry)
    }

    /// Treats whoever comes from now on like this.
    ///
    /// # Panics
    /// When the file of its mood cannot be written.
    pub fn set(&self, mood: GateMood) {
        // Whole at any moment: the gate reads it with each request.
        let new = self.folder.path().join("mood.new");
        fs::write(&new, mood.word()).expect("a file in a folder of our own");
        fs::rename(new, mood_file(&self.folder)).expect("a file in a folder of our own");
    }

    /// `127.0.0.1:PORT`, the registry's name for whoever comes through the gate.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What was asked so far: a line for each request, and one for each that was cut.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("gate.log")).unwrap_or_default()
    }
}

impl GateMood {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Limits => "limits",
            Self::Cuts => "cuts",
            Self::Stalls => "stalls",
        }
    }
}

fn mood_file(folder: &TempDir) -> PathBuf {
    folder.path().join("mood")
}
