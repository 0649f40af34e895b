//! How a container is connected: networks with aliases, and further lines of `/etc/hosts`.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names::is_host_label;
use super::text::{InvalidValue, deserialize_text_or_table, is_docker_name, text_value};

const EXPECTING: &str = "a network as name[:alias,alias], or a table with name and aliases";

/// One network that a job joins, and its names there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkAttachment {
    name: String,
    aliases: Vec<String>,
}

/// The table form of [`NetworkAttachment`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkTable {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

impl NetworkAttachment {
    /// Joins the network `name` under `aliases`.
    ///
    /// # Errors
    /// When the name or an alias is none that the engine takes.
    pub fn new(name: &str, aliases: Vec<String>) -> Result<Self, InvalidValue> {
        if name == "container" {
            let hint = "another container's network cannot be joined; name a network";
            return Err(InvalidValue::new("network", name, hint));
        }
        if let Some(bad) = std::iter::once(name)
            .chain(aliases.iter().map(String::as_str))
            .find(|text| !is_docker_name(text))
        {
            let hint = "use name or name:alias,alias with letters, digits, `_`, `.` and `-`";
            return Err(InvalidValue::new("network", bad, hint));
        }
        Ok(Self {
            name: name.to_owned(),
            aliases,
        })
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The job's names on this network.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Whether this is the host's own network.
    pub fn is_host(&self) -> bool {
        self.name == "host"
    }

    /// Whether this is no network at all.
    pub fn is_none(&self) -> bool {
        self.name == "none"
    }

    /// Whether this is the engine's default bridge, which has no aliases.
    pub fn is_default_bridge(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "default")
    }
}

impl FromStr for NetworkAttachment {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None => Self::new(text, Vec::new()),
            Some((name, aliases)) => {
                Self::new(name, aliases.split(',').map(str::to_owned).collect())
            }
        }
    }
}

impl fmt::Display for NetworkAttachment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if self.aliases.is_empty() {
            return Ok(());
        }
        write!(formatter, ":{}", self.aliases.join(","))
    }
}

impl TryFrom<NetworkTable> for NetworkAttachment {
    type Error = InvalidValue;

    fn try_from(table: NetworkTable) -> Result<Self, Self::Error> {
        Self::new(&table.name, table.aliases)
    }
}

impl Serialize for NetworkAttachment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NetworkAttachment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize_text_or_table::<D, Self, NetworkTable>(from, EXPECTING)
    }
}

impl JsonSchema for NetworkAttachment {
    fn schema_name() -> Cow<'static, str> {
        "NetworkAttachment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": EXPECTING,
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string" },
                        "aliases": { "type": "array", "items": { "type": "string" } },
                    },
                    "required": ["name"],
                    "additionalProperties": false,
                },
            ],
            "examples": ["backend:worker"],
        })
    }
}

/// One further line of `/etc/hosts`: `name:address`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtraHost {
    name: String,
    address: HostAddress,
}

/// Where an [`ExtraHost`] points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostAddress {
    /// A fixed address.
    Ip(IpAddr),
    /// The engine's own host, as seen from containers; typed as `host-gateway`.
    HostGateway,
}

text_value!(
    ExtraHost,
    Text,
    "a line of /etc/hosts as name:address",
    "db:10.0.0.5"
);

impl ExtraHost {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it points.
    pub fn address(&self) -> HostAddress {
        self.address
    }
}

impl FromStr for ExtraHost {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_extra_host(text).ok_or_else(|| {
            let hint = "use name:address, such as db:10.0.0.5 or me:host-gateway";
            InvalidValue::new("extra host", text, hint)
        })
    }
}

fn parse_extra_host(text: &str) -> Option<ExtraHost> {
    let (name, address) = text.split_once([':', '='])?;
    if !name.split('.').all(is_host_label) {
        return None;
    }
    let bare = address
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(address);
    let address = match bare {
        "host-gateway" => HostAddress::HostGateway,
        ip => HostAddress::Ip(ip.parse().ok()?),
    };
    Some(ExtraHost {
        name: name.to_owned(),
        address,
    })
}

impl fmt::Display for ExtraHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            HostAddress::Ip(ip) => write!(formatter, "{}:{ip}", self.name),
            HostAddress::HostGateway => write!(formatter, "{}:host-gateway", self.name),
        }
    }
}
