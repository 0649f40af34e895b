//! What a container is to be: all that its supervisor needs, as it stands in the container's folder.
//!
//! Everything of the image and of the job is merged already; names of users and programs are looked
//! up in the container's own root, when it is mounted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One container, spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerConfig {
    /// Its name, which is also that of its folder and its cgroup: letters, digits and `-`.
    pub name: String,
    /// Free labels, for whoever looks for it.
    pub labels: BTreeMap<String, String>,
    /// What its root is made of.
    pub rootfs: Rootfs,
    /// What runs.
    pub process: Process,
    /// Host name inside.
    pub hostname: String,
    /// Further lines of `/etc/hosts`: name and address.
    pub extra_hosts: Vec<(String, IpAddr)>,
    /// Name servers; those of the machine if empty.
    pub dns: Vec<IpAddr>,
    /// What is mounted into it beside what every container has.
    pub mounts: Vec<Mount>,
    /// How much it may take.
    pub bounds: Bounds,
    /// How it is connected.
    pub network: Network,
    /// Which system calls it may make.
    pub seccomp: Seccomp,
    /// The number of the signal that asks it to stop.
    pub stop_signal: i32,
    /// From that signal to its being killed, in milliseconds.
    pub stop_grace_millis: u64,
    /// It is stopped when it has run so long, in milliseconds, whoever else is alive by then.
    pub run_limit_millis: Option<u64>,
    /// Largest size of its log on disk, in bytes: head and tail are kept beyond it.
    pub log_limit_bytes: u64,
}

/// What the root of a container is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rootfs {
    /// Folders of layers from the bottom up; never written to.
    pub layers: Vec<PathBuf>,
    /// The folder whose owner, rights and times the root has; the usual ones if absent.
    pub like: Option<PathBuf>,
    /// The container may not write to it.
    pub read_only: bool,
    /// The container may write so many bytes into it; as many as there is room for if absent.
    pub size_bytes: Option<u64>,
}

/// What runs in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Program and arguments; a program without `/` is looked for along the container's `PATH`.
    pub argv: Vec<String>,
    /// Environment, in order; later ones win.
    pub env: Vec<(String, String)>,
    /// Working directory; made if it is missing.
    pub workdir: PathBuf,
    /// User as `user[:group]`, names or numbers; root if absent.
    pub user: Option<String>,
    /// A small init is PID 1, forwards signals and reaps zombies.
    pub init: bool,
    /// Names of the capabilities that it has, such as `CAP_CHOWN`.
    pub capabilities: Vec<String>,
    /// Set-uid programs give it no new rights.
    pub no_new_privileges: bool,
    /// No masked paths, no device control, every capability.
    pub privileged: bool,
    /// Limits that the kernel keeps for each process.
    pub limits: Vec<ResourceLimit>,
}

/// One `ulimit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceLimit {
    /// Its name as `docker run --ulimit` takes it, such as `nofile`.
    pub name: String,
    /// The limit that applies; -1 is none.
    pub soft: i64,
    /// How far the process may raise it; -1 is none.
    pub hard: i64,
}

/// Something mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Where, as an absolute path inside; made if it is missing.
    pub target: PathBuf,
    /// What.
    pub source: MountSource,
    /// It may not be written to.
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A folder or file of the machine, which must be there.
    Bind(PathBuf),
    /// A folder of the machine that a named volume is. While it is empty, what the image has at the
    /// target is copied into it first.
    Volume(PathBuf),
    /// A folder that goes with the container; begins as what the image has at the target.
    Fresh(FreshVolume),
    /// A file system in memory, with options as `mount` takes them (such as `size=64m`).
    Tmpfs(Vec<String>),
}

/// A volume without a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshVolume {
    /// Its folder's name below the container's folder.
    pub folder: String,
}

/// How much a container may take. What is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Memory and swap together, in bytes; equal to the memory means no swap, -1 any amount.
    pub memory_swap_bytes: Option<i64>,
    /// CPU time, in billionths of a CPU.
    pub cpu_nanos: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Size of `/dev/shm`, in bytes; 64 MiB if absent.
    pub shm_bytes: Option<u64>,
}

/// How a container is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Loopback alone.
    None,
    /// That of the machine.
    Host,
    /// A network of its own with a way out.
    Private,
}

/// Which system calls a container may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seccomp {
    /// Those of the default profile, by its capabilities.
    Default,
    /// All.
    Unconfined,
    /// What this profile says, the JSON text that Docker takes as `seccomp=FILE`.
    Profile(String),
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// A container as plain as they come.
    pub(crate) fn config() -> ContainerConfig {
        ContainerConfig {
            name: "longshore-1".to_owned(),
            labels: [].into(),
            rootfs: Rootfs {
                layers: vec!["/layers/1".into()],
                like: None,
                read_only: false,
                size_bytes: None,
            },
            process: Process {
                argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
                env: vec![("LANG".to_owned(), "C".to_owned())],
                workdir: "/work".into(),
                user: None,
                init: true,
                capabilities: vec!["CAP_CHOWN".to_owned()],
                no_new_privileges: true,
                privileged: false,
                limits: vec![],
            },
            hostname: "box".to_owned(),
            extra_hosts: vec![],
            dns: vec![],
            mounts: vec![],
            bounds: Bounds::default(),
            network: Network::None,
            seccomp: Seccomp::Default,
            stop_signal: 15,
            stop_grace_millis: 10_000,
            run_limit_millis: None,
            log_limit_bytes: 1_000_000,
        }
    }
}
