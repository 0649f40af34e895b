//! What is on a host beyond the attempts of one pool: every container, what it uses at this moment,
//! and the volumes, networks and images that a pool left there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::launch::Handle;
use longshore_core::outcome::UnknownWord;
use longshore_core::share::Share;
use longshore_core::usage::Sample;

use crate::{ExecutorError, Removed};

/// Everything on a host, for those who look after it themselves.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Containers of the host, whoever made them, in one call to the engine.
    async fn containers(&self, which: Which) -> Result<Vec<Listed>, ExecutorError>;

    /// One container by the engine's id (or its unique beginning) or its name; `None` when there is
    /// none. A beginning that several ids have is an error of kind configuration.
    async fn container(&self, name: &str) -> Result<Option<Listed>, ExecutorError>;

    /// Two readings of its counters a moment apart; `None` when it does not run.
    async fn statistics(&self, handle: &Handle) -> Result<Option<Statistics>, ExecutorError>;

    /// How much CPU and memory it may use, each 0 where it has no limit; `None` when there is none.
    async fn limits(&self, handle: &Handle) -> Result<Option<Share>, ExecutorError>;

    /// Volumes, networks and images that carry exactly this pool's label.
    async fn resources(&self, pool: PoolId) -> Result<Vec<Resource>, ExecutorError>;

    /// Removes one of them unless a container uses it, running or not (an error of kind conflict).
    async fn remove_resource(&self, resource: &Resource) -> Result<Removed, ExecutorError>;

    /// The handle of a container that is known by the engine's full id. Pure.
    fn to_handle(&self, engine_id: &str) -> Handle;

    /// The engine's full id of the container with this handle. Pure.
    fn id_of(&self, handle: &Handle) -> String;
}

/// Which containers are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All, also those that have ended or never ran.
    All,
    /// Those that [run](ContainerState::is_running).
    Running,
}

/// A container of a host, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its handle, by which everything else is done to it.
    pub handle: Handle,
    /// The engine's full id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image in the words that it was made with.
    pub image: String,
    /// How it stands.
    pub state: ContainerState,
    /// How it stands in the engine's own words, such as `Exited (0) 3 days ago`.
    pub status: String,
    /// When it was created, by the host's clock.
    pub created_at: Timestamp,
    /// When it ended, if it did; only for one container, since lists do not tell.
    pub finished_at: Option<Timestamp>,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
}

/// How a container stands, in the words of the Docker Engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerState {
    /// Never started.
    Created,
    /// Its main process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// Between two runs of a container that the engine starts again by itself.
    Restarting,
    /// Being removed.
    Removing,
    /// Its main process has ended.
    Exited,
    /// Its removal failed halfway.
    Dead,
}

impl ContainerState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Running,
        Self::Paused,
        Self::Restarting,
        Self::Removing,
        Self::Exited,
        Self::Dead,
    ];

    /// The engine's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Whether it has a process, or will have one again without anybody's doing.
    pub fn is_running(self) -> bool {
        match self {
            Self::Running | Self::Paused | Self::Restarting => true,
            Self::Created | Self::Removing | Self::Exited | Self::Dead => false,
        }
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ContainerState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| UnknownWord::new("container state", word))
    }
}

/// What a running container uses at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// CPU use between the two readings in percent of one core, as `docker stats` counts it.
    pub cpu_percent: f64,
    /// The counters at the second reading.
    pub sample: Sample,
    /// How much memory it may use; the host's memory where the container has no limit.
    pub memory_limit_bytes: Option<u64>,
    /// How many processes and threads it has.
    pub pids: Option<u64>,
    /// The engine's answer as it was, for those who want more.
    pub raw: serde_json::Value,
}

/// Something on a host that outlives containers and carries a pool's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// The engine's id; the name of a volume.
    pub id: String,
    /// What people call it: the id of a thing without a name.
    pub name: String,
    /// Whether a container uses it, running or not.
    pub in_use: bool,
    /// When it was made, where the engine tells.
    pub created_at: Option<Timestamp>,
}

/// What a [`Resource`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A volume.
    Volume,
    /// A network.
    Network,
    /// An image.
    Image,
}

impl ResourceKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Volume, Self::Network, Self::Image];

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_word_and_no_other_word_is_one() {
        for state in ContainerState::ALL {
            assert_eq!(state.word().parse(), Ok(state));
        }
        assert!("stopped".parse::<ContainerState>().is_err());
    }
}
