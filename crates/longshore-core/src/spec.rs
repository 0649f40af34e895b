//! The job spec: what a user may ask for, in one struct, with the words of `docker run`.
//!
//! Every value is a type that cannot hold nonsense (parsed by `FromStr`, the same for flags and
//! files); what spans several fields or depends on the pool's [`Policy`](crate::policy::Policy) is
//! checked once by [`JobSpec::validate`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod command;
mod environment;
mod image;
mod limits;
mod mount;
mod names;
mod network;
mod resources;
mod security;
mod validate;

pub use command::Command;
pub use environment::{EnvName, EnvText, EnvTextError};
pub use image::{ImageReference, Platform, PullPolicy};
pub use limits::{RetryPolicy, RetryStrategy, TimeLimit, TimeLimits};
pub use mount::{MountKind, MountSpec, TmpfsSpec};
pub use names::{Hostname, IdempotencyKey, JobName, LabelKey, Priority};
pub use network::{ExtraHost, NetworkAttachment};
pub use resources::{ByteSize, Cpus, Gpus, MemorySwap, PidsLimit, Ulimit};
pub use security::{Capability, SecurityOption, Signal, UserSpec};
pub use validate::{SpecError, SpecErrors};

/// One job as its user wants it. Keys of job files and flags of the command line are these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Image to run: name with tag or digest.
    pub image: ImageReference,
    /// Arguments; a single string in a file is split by shell-lexer rules, without a shell.
    #[serde(default, skip_serializing_if = "Command::is_empty")]
    pub command: Command,
    /// Replaces the image's entrypoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Command>,
    /// Environment variables; strongest of the three sources.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<EnvName, String>,
    /// Files with environment text; read where the job is submitted, before `env` is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_file: Vec<String>,
    /// Name of a stored environment template; weakest of the three sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_template: Option<String>,
    /// Working directory inside the container; an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// User (and group) inside the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserSpec>,
    /// Host name inside the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Hostname>,
    /// Memory limit; the pool's default applies when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// Memory plus swap; equal to `memory` (no swap) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_swap: Option<MemorySwap>,
    /// CPUs as a decimal number; the pool's default applies when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Largest number of processes; the pool's default applies when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids_limit: Option<PidsLimit>,
    /// Size of `/dev/shm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<ByteSize>,
    /// Resource limits of the processes, such as `nofile=1024:2048`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ulimits: Vec<Ulimit>,
    /// Networks to join, with aliases; `none` and `host` stand alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkAttachment>,
    /// Further lines of `/etc/hosts`, as `name:address`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<ExtraHost>,
    /// Name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<std::net::IpAddr>,
    /// Named volumes and bind mounts, as `source:target[:ro]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<MountSpec>,
    /// In-memory file systems, as `/path[:options]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<TmpfsSpec>,
    /// Mount the container's root file system read-only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Linux capabilities to add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cap_add: Vec<Capability>,
    /// Linux capabilities to drop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cap_drop: Vec<Capability>,
    /// Security options, such as `seccomp=unconfined` (policy decides).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_opt: Vec<SecurityOption>,
    /// Give the container all rights of the host (policy decides).
    #[serde(default, skip_serializing_if = "is_false")]
    pub privileged: bool,
    /// Run a small init as PID 1 that forwards signals and reaps zombies.
    #[serde(default = "yes")]
    pub init: bool,
    /// GPUs to hand to the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Gpus>,
    /// Platform of the image, such as `linux/amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// When to pull the image.
    #[serde(default)]
    pub pull: PullPolicy,
    /// Signal that asks the job to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<Signal>,
    /// Labels of the job; also set on its container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelKey, String>,
    /// Name for people; need not be unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<JobName>,
    /// Free text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 0 (last) to 100 (first).
    #[serde(default)]
    pub priority: Priority,
    /// A repeated submit with the same key returns the first job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Run only on the host of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Largest size of the kept log; its head and tail are kept beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_limit: Option<ByteSize>,
    /// The time limits, each with its own clock.
    #[serde(default)]
    pub timeouts: TimeLimits,
    /// The two retry budgets and how long to wait between attempts.
    #[serde(default)]
    pub retry: RetryPolicy,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn yes() -> bool {
    true
}
