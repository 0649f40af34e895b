//! Other queues: real ones of their own ecosystems, installed below `target/`, versions pinned.
//!
//! Each is driven by a small program in `bench/peers`, which gets the URL of an empty database and
//! the two counts of jobs, and prints its [`Figures`] as one line of JSON.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use longshore_testkit::target_dir;

use super::{BULK, Figures, ONE_BY_ONE};

/// Who carries the program out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Node,
}

/// Another queue.
pub(super) struct Peer {
    package: &'static str,
    version: &'static str,
    language: Language,
    program: &'static str,
}

const PEERS: [Peer; 3] = [
    Peer {
        package: "procrastinate",
        version: "3.10.0",
        language: Language::Python,
        program: "procrastinate_peer.py",
    },
    Peer {
        package: "pgqueuer",
        version: "1.6.0",
        language: Language::Python,
        program: "pgqueuer_peer.py",
    },
    Peer {
        package: "graphile-worker",
        version: "0.18.0",
        language: Language::Node,
        program: "graphile_peer.mjs",
    },
];

/// All of them, installed. What cannot be installed is said, and left out.
pub(super) fn installed() -> Result<Vec<Peer>> {
    let folder = target_dir().join("bench/peers");
    fs::create_dir_all(&folder)?;
    let mut peers = Vec::new();
    for peer in PEERS {
        match peer.install(&folder) {
            Ok(()) => peers.push(peer),
            Err(error) => println!("{} is left out: {error:#}", peer.name()),
        }
    }
    Ok(peers)
}

impl Peer {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    /// One round on an empty database.
    pub(super) fn round(&self, url: &str) -> Result<Figures> {
        let folder = target_dir().join("bench/peers");
        let mut command = match self.language {
            Language::Python => Command::new(folder.join("py/bin/python")),
            Language::Node => Command::new("node"),
        };
        let output = command
            .arg(self.program(&folder))
            .args([url, &ONE_BY_ONE.to_string(), &BULK.to_string()])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", output.status);
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().context("a line of figures")?;
        Ok(serde_json::from_str(line)?)
    }

    /// Its program. One for Node must lie beside the packages that it imports.
    fn program(&self, folder: &Path) -> PathBuf {
        match self.language {
            Language::Python => source(self.program),
            Language::Node => folder.join("node").join(self.program),
        }
    }

    fn install(&self, folder: &Path) -> Result<()> {
        let marker = folder.join(format!("{}-{}", self.package, self.version));
        if !marker.exists() {
            println!("installing {} below {}", self.name(), folder.display());
            match self.language {
                Language::Python => self.install_for_python(folder)?,
                Language::Node => self.install_for_node(folder)?,
            }
            fs::write(marker, "")?;
        }
        if self.language == Language::Node {
            fs::copy(source(self.program), self.program(folder))?;
        }
        Ok(())
    }

    fn install_for_python(&self, folder: &Path) -> Result<()> {
        let place = folder.join("py");
        if !place.join("bin/pip").exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        }
        let package = format!("{}=={}", self.package, self.version);
        let mut pip = Command::new(place.join("bin/pip"));
        run(pip.args(["install", "--quiet", &package, DRIVER_FOR_PYTHON]))
    }

    fn install_for_node(&self, folder: &Path) -> Result<()> {
        let place = folder.join("node");
        fs::create_dir_all(&place)?;
        let package = format!("{}@{}", self.package, self.version);
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        run(npm.arg(&place).arg(package))
    }
}

/// What pgqueuer speaks to the server with.
const DRIVER_FOR_PYTHON: &str = "asyncpg";

fn source(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(program)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{} could not be started", command.get_program().display()))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
