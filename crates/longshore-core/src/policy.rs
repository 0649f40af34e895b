//! What a pool allows its jobs to ask for, and the defaults it applies. Server-side, safe by default.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::spec::{ByteSize, Cpus, PidsLimit};

/// The pool's policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Host folders below which bind mounts are allowed; none by default.
    pub allow_bind: Vec<PathBuf>,
    /// Whether `privileged`, weakening security options and powerful capabilities are allowed.
    pub allow_privileged: bool,
    /// Whether the host's network may be joined.
    pub allow_host_network: bool,
    /// Memory of a job that names none.
    pub default_memory: ByteSize,
    /// CPUs of a job that names none.
    pub default_cpus: Cpus,
    /// Processes of a job that names no limit.
    pub default_pids: PidsLimit,
}
