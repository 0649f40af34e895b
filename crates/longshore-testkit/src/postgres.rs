//! A private PostgreSQL server (Debian's package) on loopback, with a cluster of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::command::run;
use crate::eventually::eventually;
use crate::names::{temp_dir, unique_name};
use crate::registry::free_port;
use crate::tethered::Tethered;

/// Where Debian keeps the programs of each version, which are on nobody's path.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Debian's user for it: the server refuses to run as root.
const SYSTEM_USER: &str = "postgres";
/// The one who may do everything inside.
const OWNER: &str = "longshore";

const START_LIMIT: Duration = Duration::from_secs(20);

/// A running server; when dropped, it ends and its databases are gone. Whoever is on this machine
/// may log in, by TCP on loopback.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    server: Tethered,
    folder: TempDir,
}

/// The folder of the newest installed server's programs; `None` without one.
pub fn postgres_programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    programs
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .max_by_key(version)
}

impl Postgres {
    /// Makes a cluster and starts a server on a free port.
    ///
    /// # Errors
    /// When Debian's `postgresql` is missing, or the server does not start.
    pub fn start() -> Result<Self> {
        let programs = postgres_programs().context("no server: Debian's package is postgresql")?;
        let folder = temp_dir();
        hand_over(folder.path())?;
        let cluster = folder.path().join("cluster");
        make_cluster(&programs, &cluster)?;
        let port = free_port()?;
        let settings = [
            "-c".to_owned(),
            "listen_addresses=127.0.0.1".to_owned(),
            "-c".to_owned(),
            format!("unix_socket_directories={}", folder.path().display()),
            "-c".to_owned(),
            "fsync=off".to_owned(),
        ];
        let server = [
            programs.join("postgres").display().to_string(),
            "-D".to_owned(),
            cluster.display().to_string(),
            "-p".to_owned(),
            port.to_string(),
        ];
        let line: Vec<&str> = server.iter().chain(&settings).map(String::as_str).collect();
        let log = folder.path().join("postgres.log");
        let server = Tethered::start(unprivileged("sh"), &line, port, &log)?;
        let postgres = Self {
            port,
            server,
            folder,
        };
        eventually("the server takes connections", START_LIMIT, || {
            postgres.query("postgres", "SELECT 1")
        });
        Ok(postgres)
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// What the server says.
    pub fn create_database(&self) -> Result<String> {
        let name = unique_name("db").replace('-', "_");
        self.query("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    /// Runs one statement in the database of this name or URL; the rows' cells are separated by `|`.
    ///
    /// # Errors
    /// What the server says.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        let url = if database.contains("://") {
            database.to_owned()
        } else {
            self.url(database)
        };
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        run(psql
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql])
            .arg(url))
    }

    fn url(&self, database: &str) -> String {
        format!("postgresql://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A server that is only killed leaves its piece of shared memory behind.
        if let Some(programs) = postgres_programs() {
            let mut stop = unprivileged(&programs.join("pg_ctl").display().to_string());
            stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"])
                .arg(self.folder.path().join("cluster"));
            // What does not stop is killed.
            let _ = run(&mut stop);
        }
        self.server.end();
    }
}

/// A command that runs `program` as a user whom the server accepts.
fn unprivileged(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER])
        .args(["--clear-groups", "--", program])
        .current_dir("/");
    command
}

/// Lets that user write into a folder.
fn hand_over(folder: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        let owner = format!("{SYSTEM_USER}:{SYSTEM_USER}");
        run(Command::new("chown").arg(owner).arg(folder))?;
    }
    Ok(())
}

fn make_cluster(programs: &Path, cluster: &Path) -> Result<()> {
    let mut initdb = unprivileged(&programs.join("initdb").display().to_string());
    initdb
        .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
        .args(["--username", OWNER, "--pgdata"])
        .arg(cluster);
    run(&mut initdb).map(drop)
}
