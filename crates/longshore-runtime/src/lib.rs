//! One container under one small supervisor process, without an engine.
//!
//! A container is a folder ([`ContainerConfig`] in it says what runs). A supervisor, a process of its
//! own, runs the container, keeps its log and its time limit, and writes down how it ended. It
//! outlives whoever started it; if it dies, its container dies. All that others learn of a container
//! they read from the folder ([`Status`]).

mod account;
mod capabilities;
mod cgroup;
mod cleaning;
mod config;
mod control;
mod copy;
mod devices;
mod entry;
mod error;
mod etc;
mod folder;
mod inside;
mod launch;
mod lock;
mod log;
mod mounting;
mod network;
mod outcome;
mod overlay;
mod quota;
mod record;
mod runtime;
mod sealed;
mod seccomp;
mod skeleton;
mod spec;
mod status;
mod supervisor;
mod user;
mod volumes;

pub use capabilities::resolve_capabilities;
pub use cgroup::{CgroupFacts, Counters, cgroup_facts};
pub use config::{
    Bounds, ContainerConfig, FreshVolume, Mount, MountSource, Network, Process, ResourceLimit,
    Rootfs, Seccomp,
};
pub use error::{CgroupError, RuntimeError};
pub use log::LogFile;
pub use network::{Means, Missing, private_means};
pub use outcome::{Delivered, Made, Removal, RuntimeOptions, SupervisorProgram, WhileRunning};
pub use overlay::{NoOverlay, check_overlay};
pub use quota::{NoQuota, check_size_bound};
pub use runtime::Runtime;
pub use seccomp::{InvalidProfile, check_profile};
pub use status::{EndCause, Ended, LogTotals, Refused, Status, Totals};
pub use supervisor::run_if_supervisor;
pub use user::{
    NoNamespace, Standing, become_root, run_if_as_user, standing, why_ordinary, words_as_user,
};
