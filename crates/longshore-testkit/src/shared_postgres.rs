//! The PostgreSQL server that tests share: each test has a database of its own there. It outlives
//! the command that started it.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cluster::Cluster;
use crate::names::unique_name;
use crate::places::{testbed_dir, workspace_dir};
use crate::registry::free_port;

/// A database of the shared server, gone when the value is dropped.
#[derive(Debug)]
pub struct SharedDatabase {
    cluster: Cluster,
    name: String,
}

/// An empty database on the server that `cargo xtask postgres up` started.
///
/// # Panics
/// When there is no such server. A test that needs one fails without it; it is never skipped.
pub fn shared_database() -> SharedDatabase {
    let cluster = SharedPostgres::of_this_workspace().running();
    let cluster =
        cluster.expect("no database server answers for tests: run `cargo xtask postgres up` first");
    let name = unique_name("test").replace('-', "_");
    let made = cluster.query("postgres", &format!("CREATE DATABASE {name}"));
    made.expect("the server makes a database");
    SharedDatabase { cluster, name }
}

impl SharedDatabase {
    /// Its URL.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// Runs one statement in it; the rows' cells are separated by `|`.
    ///
    /// # Errors
    /// What the server says.
    pub fn query(&self, sql: &str) -> Result<String> {
        self.cluster.query(&self.name, sql)
    }
}

impl Drop for SharedDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // What stays behind goes with the server.
        let _ = self.cluster.query("postgres", &drop);
    }
}

/// The shared server of one workspace, as the chores see it.
#[derive(Debug)]
pub struct SharedPostgres {
    folder: PathBuf,
}

impl SharedPostgres {
    /// The one of the workspace that this was built in.
    pub fn of_this_workspace() -> Self {
        let mut hasher = DefaultHasher::new();
        workspace_dir().hash(&mut hasher);
        // Below a folder that the server's own user may enter, and short enough for its socket.
        let name = format!("longshore-postgres-{:08x}", hasher.finish() & 0xffff_ffff);
        Self {
            folder: Path::new("/tmp").join(name),
        }
    }

    /// The URL of its first database, if it answers.
    pub fn url(&self) -> Option<String> {
        Some(self.running()?.url("postgres"))
    }

    /// Starts it unless it answers already.
    ///
    /// # Errors
    /// When Debian's `postgresql` is missing, or the server does not start.
    pub fn up(&self) -> Result<()> {
        let _lock = lock()?;
        if self.running().is_some() {
            return Ok(());
        }
        self.remove()?;
        fs::create_dir_all(&self.folder)?;
        let port = free_port()?;
        Cluster::make(&self.folder, port)?.start_detached()?;
        Ok(fs::write(self.port_file(), port.to_string())?)
    }

    /// Ends it and removes its databases.
    ///
    /// # Errors
    /// When its files cannot be removed.
    pub fn down(&self) -> Result<()> {
        let _lock = lock()?;
        self.remove()
    }

    fn remove(&self) -> Result<()> {
        if self.folder.exists() {
            // It may have ended long ago.
            let _ = Cluster::at(&self.folder, 0)?.stop();
            fs::remove_dir_all(&self.folder)?;
        }
        Ok(())
    }

    /// Its cluster, if its server answers.
    fn running(&self) -> Option<Cluster> {
        let port = fs::read_to_string(self.port_file()).ok()?.parse().ok()?;
        let cluster = Cluster::at(&self.folder, port).ok()?;
        cluster.query("postgres", "SELECT 1").ok()?;
        Some(cluster)
    }

    fn port_file(&self) -> PathBuf {
        self.folder.join("port")
    }
}

/// Commands that start or end the shared server wait for each other while this file is open.
fn lock() -> Result<File> {
    fs::create_dir_all(testbed_dir())?;
    let file = File::create(testbed_dir().join("postgres.lock"))?;
    file.lock()?;
    Ok(file)
}
