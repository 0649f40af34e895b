//! A PostgreSQL cluster on disk, and the programs of Debian's package that make and ask one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run;

/// Where Debian keeps the programs of each version, which are on nobody's path.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Debian's user for it: the server refuses to run as root.
const SYSTEM_USER: &str = "postgres";
/// The one who may do everything inside.
const OWNER: &str = "longshore";

/// The folder of the newest installed server's programs; `None` without one.
pub fn postgres_programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    programs
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .max_by_key(version)
}

/// A cluster in a folder, for a server on a port of loopback. Whoever is on this machine may log in.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    durability: Durability,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// As the server's own defaults have it: for measurements.
    Default,
    /// Never: a test's database is not missed.
    Without,
}

impl Cluster {
    /// Makes one in an existing folder.
    pub(crate) fn make(folder: &Path, port: u16) -> Result<Self> {
        hand_over(folder)?;
        let cluster = Self::at(folder, port)?;
        let mut initdb = cluster.program("initdb");
        initdb
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .args(["--username", OWNER, "--pgdata"])
            .arg(cluster.home());
        run(&mut initdb)?;
        Ok(cluster)
    }

    /// The one that was made there.
    pub(crate) fn at(folder: &Path, port: u16) -> Result<Self> {
        let programs = postgres_programs().context("no server: Debian's package is postgresql")?;
        let folder = folder.to_owned();
        Ok(Self {
            programs,
            folder,
            port,
            durability: Durability::Without,
        })
    }

    /// The same, whose server takes this care of its data.
    pub(crate) fn with(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The command line of its server.
    pub(crate) fn server_line(&self) -> Vec<String> {
        let mut line = vec![
            self.programs.join("postgres").display().to_string(),
            "-D".to_owned(),
            self.home().display().to_string(),
        ];
        line.extend(self.settings());
        line
    }

    /// Starts its server, which outlives us.
    pub(crate) fn start_detached(&self) -> Result<()> {
        let mut start = self.program("pg_ctl");
        start
            .args(["start", "--silent", "--wait", "--options"])
            .arg(self.settings().join(" "))
            .arg("--log")
            .arg(self.folder.join("postgres.log"))
            .arg("--pgdata")
            .arg(self.home());
        run(&mut start).map(drop)
    }

    /// Stops its server: at once, as a crash would.
    pub(crate) fn stop(&self) -> Result<()> {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"])
            .arg(self.home());
        run(&mut stop).map(drop)
    }

    /// Runs one statement in the database of this name or URL; the rows' cells are separated by `|`.
    pub(crate) fn query(&self, database: &str, sql: &str) -> Result<String> {
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

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    fn home(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    fn settings(&self) -> [String; 10] {
        [
            "-p".to_owned(),
            self.port.to_string(),
            "-c".to_owned(),
            "listen_addresses=127.0.0.1".to_owned(),
            "-c".to_owned(),
            format!("unix_socket_directories={}", self.folder.display()),
            "-c".to_owned(),
            match self.durability {
                Durability::Default => "fsync=on".to_owned(),
                Durability::Without => "fsync=off".to_owned(),
            },
            "-c".to_owned(),
            "max_connections=300".to_owned(),
        ]
    }

    fn program(&self, name: &str) -> Command {
        unprivileged(&self.programs.join(name).display().to_string())
    }
}

/// A command that runs `program` as a user whom the server accepts.
pub(crate) fn unprivileged(program: &str) -> Command {
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
