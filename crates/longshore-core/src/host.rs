//! Hosts: places where attempts run, and what is known about them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::HostId;
use crate::outcome::UnknownWord;

/// Which executor speaks to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// A Docker Engine.
    Docker,
    /// The mock with knobs.
    Mock,
}

impl HostKind {
    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Mock => "mock",
        }
    }
}

impl fmt::Display for HostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for HostKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Docker, Self::Mock]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| UnknownWord::new("host kind", word))
    }
}

/// Whether a host takes new attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// Takes new attempts.
    Active,
    /// Finishes what runs and takes nothing new.
    Draining,
}

impl HostState {
    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
        }
    }
}

impl FromStr for HostState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Active, Self::Draining]
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| UnknownWord::new("host state", word))
    }
}

/// A host as its operator registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its unique name.
    pub name: String,
    /// Which executor speaks to it.
    pub kind: HostKind,
    /// How it is reached.
    pub endpoint: Endpoint,
    /// Whether it takes new attempts.
    pub state: HostState,
    /// Most attempts at one time.
    pub slots: u32,
    /// Preference among hosts, 1 to 1000.
    pub weight: u32,
    /// Missing images are pulled; off, an image that is not on the host is an error.
    pub auto_pull: bool,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its record was last changed; executors are rebuilt then.
    pub updated_at: Timestamp,
}

/// How a host is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// `unix://…`, `tcp://…`, `ssh://…`, or what the executor kind defines.
    pub address: String,
    /// TLS for `tcp://`; none means plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
}

/// Files for mutual TLS, as Docker names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate authorities that may vouch for the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Our certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// Our private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Check the server's certificate; off only by explicit wish.
    pub verify: bool,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Product, such as `docker`.
    pub engine: String,
    /// Product version.
    pub version: String,
    /// Version of the API that is spoken.
    pub api_version: String,
    /// The engine's own identity, to notice another engine behind the same address.
    pub engine_id: String,
    /// Operating system and architecture, such as `linux/amd64`.
    pub platform: String,
    /// CPUs.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Storage driver.
    pub storage_driver: String,
    /// Version of the control groups: 1 or 2.
    pub cgroup_version: u8,
    /// How long one round trip took.
    pub latency: Duration,
    /// The host's clock minus ours.
    pub clock_skew: SignedDuration,
    /// When the engine started, where it can be told; containers that are older survived a restart.
    pub engine_started_at: Option<Timestamp>,
    /// What the engine warns about itself.
    pub warnings: Vec<String>,
}
