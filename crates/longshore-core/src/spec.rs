//! The job spec: what a user may ask for, in one struct, with the words of `docker run`.
//!
//! Every value is a type that cannot hold nonsense (parsed by `FromStr`, the same for flags and
//! files); what spans several fields or depends on the pool's [`Policy`](crate::spec::policy::Policy) is
//! checked once by [`JobSpec::validate`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::LOG_LIMIT_BYTES;

mod after;
mod array;
mod command;
mod devices;
mod environment;
mod image;
mod limits;
mod lost;
mod mount;
mod mount_flag;
mod names;
mod network;
mod platform;
pub mod policy;
mod resources;
mod retry;
mod retry_reason;
mod security;
mod signal;
mod storage;
pub(crate) mod text;
mod tmpfs;
mod validate;

pub use after::After;
pub use array::ArrayRange;
pub use command::Command;
pub use devices::{Gpus, Ulimit};
pub use environment::{EnvName, EnvText, EnvTextError, SkippedLine};
pub use image::ImageReference;
pub use limits::{TimeLimit, TimeLimits};
pub use lost::LostPolicy;
pub use mount::{MountKind, MountSpec};
pub use mount_flag::MountFlag;
pub use names::{
    AtOnce, Hostname, IdempotencyKey, JobName, LabelKey, LimitKey, OwnerName, Priority, QueueName,
    ScheduleName,
};
pub use network::{ExtraHost, HostAddress, NetworkAttachment};
pub use platform::{Platform, PullPolicy};
pub use resources::{ByteSize, Cpus, MemorySwap, PidsLimit};
pub use retry::{RetryPolicy, RetryStrategy};
pub use retry_reason::RetryReason;
pub use security::{Capability, SecurityOption, UserSpec};
pub use signal::Signal;
pub use storage::StorageOptions;
pub use text::InvalidValue;
pub use tmpfs::TmpfsSpec;
pub use validate::{SpecError, SpecErrors};

/// One job as its user wants it. Keys of job files and flags of the command line are these names.
///
/// Its `Debug` form is JSON without the values of environment variables.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Options of the container's root file system, such as `size=10g`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub storage_opt: StorageOptions,
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
    /// 0 (last) to 100 (first), among the jobs of its owner.
    #[serde(default)]
    pub priority: Priority,
    /// Whose job it is; slots are shared fairly between owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// Name of the queue that it waits in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub queue: QueueName,
    /// By key: it starts only while fewer jobs of this key hold a slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<LimitKey, AtOnce>,
    /// Jobs and arrays to wait for, as `JOB[:succeeded|finished|failed]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
    /// Submit it many times, once for each index: `0-99%8` is a hundred jobs, eight at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayRange>,
    /// A repeated submit with the same key returns the first job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Run only on hosts with all these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<LabelKey, String>,
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
    /// What becomes of it while its host cannot be reached.
    #[serde(default, skip_serializing_if = "LostPolicy::is_wait")]
    pub lost: LostPolicy,
}

impl JobSpec {
    /// A job of this image with every other wish left open.
    pub fn new(image: ImageReference) -> Self {
        Self {
            image,
            command: Command::default(),
            entrypoint: None,
            env: BTreeMap::new(),
            env_file: Vec::new(),
            env_template: None,
            workdir: None,
            user: None,
            hostname: None,
            memory: None,
            memory_swap: None,
            cpus: None,
            pids_limit: None,
            shm_size: None,
            ulimits: Vec::new(),
            networks: Vec::new(),
            extra_hosts: Vec::new(),
            dns: Vec::new(),
            volumes: Vec::new(),
            tmpfs: Vec::new(),
            read_only: false,
            storage_opt: StorageOptions::default(),
            cap_add: Vec::new(),
            cap_drop: Vec::new(),
            security_opt: Vec::new(),
            privileged: false,
            init: true,
            gpus: None,
            platform: None,
            pull: PullPolicy::default(),
            stop_signal: None,
            labels: BTreeMap::new(),
            name: None,
            description: None,
            priority: Priority::default(),
            owner: None,
            queue: QueueName::default(),
            limits: BTreeMap::new(),
            after: Vec::new(),
            array: None,
            idempotency_key: None,
            on: BTreeMap::new(),
            host: None,
            log_limit: None,
            timeouts: TimeLimits::default(),
            retry: RetryPolicy::default(),
            lost: LostPolicy::default(),
        }
    }

    /// A copy for people's eyes: values of environment variables are `***`.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let env = self
            .env
            .keys()
            .map(|name| (name.clone(), REDACTED.to_owned()))
            .collect();
        Self {
            env,
            ..self.clone()
        }
    }

    /// Gives it more memory, and as much swap as before.
    pub fn raise_memory(&mut self, memory: ByteSize) {
        let before = self.memory.replace(memory).map_or(0, ByteSize::bytes);
        if let Some(MemorySwap::Size(both)) = &mut self.memory_swap {
            let swap = both.bytes().saturating_sub(before);
            *both = ByteSize::from_bytes(memory.bytes().saturating_add(swap));
        }
    }

    /// How much of an attempt's log is kept.
    pub fn log_limit_bytes(&self) -> u64 {
        let limit = self.log_limit.as_ref();
        limit.map_or(LOG_LIMIT_BYTES, |limit| limit.bytes())
    }

    /// Every key of a job file, those of inner tables as `table.key`.
    pub fn known_keys() -> &'static BTreeSet<String> {
        static KEYS: LazyLock<BTreeSet<String>> =
            LazyLock::new(|| schema_keys(schemars::schema_for!(JobSpec).as_value()));
        &KEYS
    }
}

impl fmt::Debug for JobSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(&self.redacted()).map_err(|_| fmt::Error)?;
        write!(formatter, "JobSpec {json}")
    }
}

const REDACTED: &str = "***";

fn schema_keys(schema: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (key, property) in properties(schema) {
        keys.insert(key.clone());
        let inner = property["$ref"]
            .as_str()
            .and_then(|name| name.strip_prefix('#'));
        let table = inner.and_then(|pointer| schema.pointer(pointer));
        keys.extend(
            table
                .into_iter()
                .flat_map(properties)
                .map(|(inner, _)| format!("{key}.{inner}")),
        );
    }
    keys
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}
