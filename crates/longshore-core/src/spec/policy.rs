//! What a pool allows its jobs to ask for, and the defaults it applies. Server-side, safe by default.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::spec::{ByteSize, Cpus, JobSpec, PidsLimit, TimeLimit};

/// The pool's policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Host folders below which bind mounts are allowed; none by default.
    ///
    /// Paths are compared as text: whoever may write into such a folder can place a symbolic link
    /// there that leads out of it.
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
    /// How long finished jobs are kept with their logs; for ever when absent.
    pub keep_finished: Option<TimeLimit>,
    /// How long images that longshore pulled stay on their hosts after their last use; workers remove
    /// none when absent.
    pub keep_images: Option<TimeLimit>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_bind: Vec::new(),
            allow_privileged: false,
            allow_host_network: false,
            default_memory: ByteSize::from_mebibytes(512),
            default_cpus: Cpus::ONE,
            default_pids: PidsLimit::DEFAULT,
            keep_finished: None,
            keep_images: None,
        }
    }
}

impl Policy {
    /// Fills in the limits that `spec` leaves open.
    pub fn apply_defaults(&self, spec: &mut JobSpec) {
        spec.memory.get_or_insert(self.default_memory);
        spec.cpus.get_or_insert(self.default_cpus);
        spec.pids_limit.get_or_insert(self.default_pids);
    }
}
