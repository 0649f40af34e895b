//! A private PostgreSQL server (Debian's package) on loopback, with a cluster of its own.

use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::cluster::{Cluster, Durability, unprivileged};
use crate::eventually::eventually;
use crate::names::{temp_dir, unique_name};
use crate::registry::free_port;
use crate::tethered::Tethered;

const START_LIMIT: Duration = Duration::from_secs(20);

/// A running server; when dropped, it ends and its databases are gone. Whoever is on this machine
/// may log in, by TCP on loopback.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    server: Option<Tethered>,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts a server on a free port. Its commits do not wait for the disk.
    ///
    /// # Errors
    /// When Debian's `postgresql` is missing, or the server does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(Durability::Without)
    }

    /// The same with the server's default durability, for measurements.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_durable() -> Result<Self> {
        Self::start_with(Durability::Default)
    }

    fn start_with(durability: Durability) -> Result<Self> {
        let folder = temp_dir();
        let cluster = Cluster::make(folder.path(), free_port()?)?.with(durability);
        let mut postgres = Self {
            cluster,
            server: None,
            folder,
        };
        postgres.resume()?;
        Ok(postgres)
    }

    /// Strikes the server down, as a crash would; its databases stay.
    pub fn strike_down(&mut self) {
        // A server that is only killed leaves its piece of shared memory behind; what does not stop
        // is killed.
        let _ = self.cluster.stop();
        self.server = None;
    }

    /// Starts the server again, on the same port, after it was struck down.
    ///
    /// # Errors
    /// When it does not start.
    pub fn resume(&mut self) -> Result<()> {
        let line = self.cluster.server_line();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let log = self.folder.path().join("postgres.log");
        let port = self.cluster.port();
        self.server = Some(Tethered::start(unprivileged("sh"), &line, port, &log)?);
        eventually("the server takes connections", START_LIMIT, || {
            self.query("postgres", "SELECT 1")
        });
        Ok(())
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// What the server says.
    pub fn create_database(&self) -> Result<String> {
        let name = unique_name("db").replace('-', "_");
        self.query("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.cluster.url(&name))
    }

    /// Runs one statement in the database of this name or URL; the rows' cells are separated by `|`.
    ///
    /// # Errors
    /// What the server says.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        self.cluster.query(database, sql)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.strike_down();
    }
}
