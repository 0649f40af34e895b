//! Other queues: real ones of their own ecosystems, installed below `target/`, versions pinned.
//!
//! Each is driven by a small program in `bench/peers`, which gets the URL of an empty database and
//! the two counts of jobs, and prints its [`Figures`] as one line of JSON.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use longshore_testkit::target_dir;

use super::ground::Database;
use super::{BULK, Figures, ONE_BY_ONE};

mod install;

pub(super) use install::installed;

/// Who carries the program out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Python,
    Node,
    Rust,
}

/// Another queue.
pub(super) struct Peer {
    package: &'static str,
    version: &'static str,
    language: Language,
    /// Its file; for Rust the folder of its project.
    program: &'static str,
    databases: &'static [Database],
}

const BOTH: &[Database] = &[Database::Sqlite, Database::Postgres];
const POSTGRES: &[Database] = &[Database::Postgres];
const SQLITE: &[Database] = &[Database::Sqlite];

/// The versions of those in Rust stand once more in their `Cargo.toml`.
const PEERS: [Peer; 7] = [
    Peer {
        package: "procrastinate",
        version: "3.10.0",
        language: Language::Python,
        program: "procrastinate_peer.py",
        databases: POSTGRES,
    },
    Peer {
        package: "pgqueuer",
        version: "1.6.0",
        language: Language::Python,
        program: "pgqueuer_peer.py",
        databases: POSTGRES,
    },
    Peer {
        package: "graphile-worker",
        version: "0.18.0",
        language: Language::Node,
        program: "graphile_peer.mjs",
        databases: POSTGRES,
    },
    Peer {
        package: "riverqueue",
        version: "0.5.0",
        language: Language::Rust,
        program: "river",
        databases: BOTH,
    },
    Peer {
        package: "apalis",
        version: "1.0.0",
        language: Language::Rust,
        program: "apalis",
        databases: BOTH,
    },
    Peer {
        package: "effectum",
        version: "0.7.0",
        language: Language::Rust,
        program: "effectum",
        databases: SQLITE,
    },
    Peer {
        package: "honker",
        version: "0.5.0",
        language: Language::Rust,
        program: "honker",
        databases: SQLITE,
    },
];

impl Peer {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    pub(super) fn runs_on(&self, database: Database) -> bool {
        self.databases.contains(&database)
    }

    /// One round on an empty database.
    pub(super) fn round(&self, url: &str) -> Result<Figures> {
        let folder = target_dir().join("bench/peers");
        let output = self
            .command(&folder)
            .args([url, &ONE_BY_ONE.to_string(), &BULK.to_string()])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", output.status);
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().context("a line of figures")?;
        Ok(serde_json::from_str(line)?)
    }

    /// What carries its program out. A program for Node must lie beside the packages that it imports.
    fn command(&self, folder: &Path) -> Command {
        match self.language {
            Language::Python => {
                let mut command = Command::new(folder.join("py/bin/python"));
                command.arg(install::source(self.program));
                command
            }
            Language::Node => {
                let mut command = Command::new("node");
                command.arg(folder.join("node").join(self.program));
                command
            }
            Language::Rust => {
                Command::new(folder.join(format!("rust/release/{}-peer", self.program)))
            }
        }
    }
}
