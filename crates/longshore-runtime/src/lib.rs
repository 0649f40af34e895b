//! One container under one small supervisor process, without an engine.
//!
//! A container is a folder ([`ContainerConfig`] in it says what runs). A supervisor, a process of its
//! own, runs the container, keeps its log and its time limit, and writes down how it ended. It
//! outlives whoever started it; if it dies, its container dies. All that others learn of a container
//! they read from the folder ([`Status`]).

#![expect(
    dead_code,
    unused_imports,
    reason = "the supervisor, which calls all this, is being written beside it"
)]

mod account;
mod capabilities;
mod cgroup;
mod config;
mod devices;
mod network;
mod seccomp;
mod spec;
mod status;

pub use capabilities::resolve_capabilities;
pub use cgroup::Counters;
pub use config::{
    Bounds, ContainerConfig, FreshVolume, Mount, MountSource, Network, Process, ResourceLimit,
    Rootfs, Seccomp,
};
pub use network::{Means, Missing, private_means};
pub use status::{EndCause, Ended, LogTotals, Refused, Status, Totals};
