//! How an executor behaves beyond its address: deadlines, the folder with credentials, programs.

use std::path::PathBuf;
use std::time::Duration;

use longshore_core::limits;

/// Settings of a [`DockerExecutor`](crate::DockerExecutor).
#[derive(Clone, Debug)]
pub struct DockerOptions {
    /// Folder with Docker's `config.json`, where credentials of registries are found; none means
    /// that pulls are anonymous.
    pub docker_config: Option<PathBuf>,
    /// The program that opens `ssh://` connections.
    pub ssh_program: PathBuf,
    /// What comes before its arguments, if it is a program that executes `ssh`.
    pub ssh_words: Vec<String>,
    /// How long calls may take.
    pub deadlines: Deadlines,
}

impl Default for DockerOptions {
    fn default() -> Self {
        Self {
            docker_config: None,
            ssh_program: PathBuf::from("ssh"),
            ssh_words: Vec::new(),
            deadlines: Deadlines::default(),
        }
    }
}

/// How long each kind of call may take. The defaults are those of `longshore_core::limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Opening a connection.
    pub connect: Duration,
    /// Looking and listing.
    pub control: Duration,
    /// Creating and starting.
    pub launch: Duration,
    /// Removing.
    pub remove: Duration,
    /// Beyond the grace, for a stop.
    pub stop_slack: Duration,
    /// One reading of counters.
    pub usage: Duration,
    /// A probe.
    pub probe: Duration,
    /// Until a pull shows any sign of life.
    pub pull_first_byte: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: limits::CONNECT,
            control: limits::CONTROL_CALL,
            launch: limits::LAUNCH_CALL,
            remove: limits::REMOVE_CALL,
            stop_slack: limits::STOP_SLACK,
            usage: limits::USAGE_CALL,
            probe: limits::PROBE_CALL,
            pull_first_byte: limits::PULL_FIRST_BYTE,
        }
    }
}
