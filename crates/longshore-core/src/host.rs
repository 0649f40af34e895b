//! Hosts: places where attempts run, and what is known about them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::HostId;
use crate::maintenance::MaintenanceWindow;
use crate::outcome::UnknownWord;
use crate::spec::{ByteSize, Cpus};

mod embedded_folder;

pub use embedded_folder::{EmbeddedFolder, NoEmbeddedFolder};

/// Which executor speaks to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// A Docker Engine.
    Docker,
    /// This machine, without an engine: containers under supervisors of ours.
    Oci,
    /// The mock with knobs.
    Mock,
}

impl HostKind {
    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Oci => "oci",
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
        [Self::Docker, Self::Oci, Self::Mock]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| UnknownWord::new("host kind", word))
    }
}

/// Whether a host takes new attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostState {
    /// Takes new attempts.
    Active,
    /// Finishes what runs and takes nothing new.
    Draining {
        /// What still runs then is stopped and tried again elsewhere; nothing is, if absent.
        until: Option<Timestamp>,
    },
}

impl HostState {
    /// Takes nothing new, and stops nothing.
    pub const CORDONED: Self = Self::Draining { until: None };

    /// The word in the store and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining { .. } => "draining",
        }
    }

    /// When what runs is stopped, if it is to be.
    pub fn drain_until(self) -> Option<Timestamp> {
        match self {
            Self::Active => None,
            Self::Draining { until } => until,
        }
    }

    /// Reads back the word and the deadline as the store keeps them.
    ///
    /// # Errors
    /// The word is none of this version's.
    pub fn parse(word: &str, until: Option<Timestamp>) -> Result<Self, UnknownWord> {
        match word {
            "active" => Ok(Self::Active),
            "draining" => Ok(Self::Draining { until }),
            _ => Err(UnknownWord::new("host state", word)),
        }
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
    /// CPUs that its attempts may be given together, if not what the host has.
    pub cpus: Option<Cpus>,
    /// Memory that its attempts may be given together, if not what the host has.
    pub memory: Option<ByteSize>,
    /// Times in which it gets nothing new.
    pub maintenance: Vec<MaintenanceWindow>,
    /// Missing images are pulled; off, an image that is not on the host is an error.
    pub auto_pull: bool,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its record was last changed; executors are rebuilt then.
    pub updated_at: Timestamp,
}

impl Host {
    /// The value of a label. What is known without any label has one too, unless the operator set it:
    /// `kind`, such as `docker`.
    pub fn label(&self, key: &str) -> Option<&str> {
        let own = self.labels.get(key).map(String::as_str);
        own.or_else(|| (key == "kind").then(|| self.kind.word()))
    }

    /// When the maintenance ends that the host is in at this moment, if in one.
    pub fn maintained_until(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = self.maintenance.iter();
        windows.filter_map(|window| window.until(now)).max()
    }
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
    /// Free space where the engine keeps containers and images; `None` where it cannot be told.
    #[serde(default)]
    pub free_disk_bytes: Option<u64>,
    /// What the engine warns about itself.
    pub warnings: Vec<String>,
}
