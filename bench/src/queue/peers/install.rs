//! How other queues are brought below `target/`, each by the means of its own ecosystem.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use longshore_testkit::target_dir;

use super::{Language, PEERS, Peer};

/// What pgqueuer speaks to the server with.
const DRIVER_FOR_PYTHON: &str = "asyncpg";
/// How much of what an installation said is told when it fails.
const LAST_LINES: usize = 12;

/// All of them, installed. What cannot be installed is said, and left out.
pub(in crate::queue) fn installed() -> Result<Vec<Peer>> {
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

/// The program of a peer, or its project.
pub(super) fn source(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(program)
}

impl Peer {
    fn install(&self, folder: &Path) -> Result<()> {
        match self.language {
            Language::Python => self.once(folder, |place| self.install_for_python(place)),
            Language::Node => {
                self.once(folder, |place| self.install_for_node(place))?;
                fs::copy(source(self.program), folder.join("node").join(self.program))?;
                Ok(())
            }
            // Cargo knows what is up to date.
            Language::Rust => self.build(folder),
        }
    }

    /// Unless this version was installed before.
    fn once(&self, folder: &Path, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let marker = folder.join(format!("{}-{}", self.package, self.version));
        if marker.exists() {
            return Ok(());
        }
        println!("installing {} below {}", self.name(), folder.display());
        install(folder)?;
        Ok(fs::write(marker, "")?)
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

    fn build(&self, folder: &Path) -> Result<()> {
        println!("building {} below {}", self.name(), folder.display());
        let project = source("rust").join(self.program);
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "--quiet"]);
        cargo.arg("--target-dir").arg(folder.join("rust"));
        run(cargo.arg("--manifest-path").arg(project.join("Cargo.toml")))
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("{} could not be started", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {last}",
        output.status
    );
    Ok(())
}
