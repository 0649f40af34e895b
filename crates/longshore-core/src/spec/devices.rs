//! What the kernel and the hardware grant beyond memory and CPUs: ulimits and GPUs.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};

/// The kernel's resource limits, by the names that engines take.
const ULIMIT_NAMES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// One resource limit of the processes: `name=soft[:hard]`; -1 is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ulimit {
    name: &'static str,
    soft: i64,
    hard: i64,
}

text_value!(
    Ulimit,
    Text,
    "a resource limit as name=soft[:hard]; -1 is no limit",
    "nofile=1024:2048"
);

impl Ulimit {
    /// The name, such as `nofile`.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The limit that applies.
    pub fn soft(&self) -> i64 {
        self.soft
    }

    /// How far the process may raise it.
    pub fn hard(&self) -> i64 {
        self.hard
    }
}

impl FromStr for Ulimit {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_ulimit(text).map_err(|hint| InvalidValue::new("ulimit", text, hint))
    }
}

fn parse_ulimit(text: &str) -> Result<Ulimit, String> {
    const HINT: &str = "use name=soft or name=soft:hard, such as nofile=1024:2048";
    let (name, limits) = text.split_once('=').ok_or(HINT)?;
    let name = ULIMIT_NAMES
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| format!("the name is none of {}", ULIMIT_NAMES.join(", ")))?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let soft = parse_limit(soft).ok_or(HINT)?;
    let hard = parse_limit(hard).ok_or(HINT)?;
    let hard_is_lower = hard != -1 && (soft == -1 || soft > hard);
    if hard_is_lower {
        return Err(
            "the soft limit is above the hard limit; type the lower number first".to_owned(),
        );
    }
    Ok(Ulimit { name, soft, hard })
}

fn parse_limit(text: &str) -> Option<i64> {
    if text == "unlimited" {
        return Some(-1);
    }
    text.parse().ok().filter(|limit| *limit >= -1)
}

impl fmt::Display for Ulimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}:{}", self.name, self.soft, self.hard)
    }
}

/// GPUs of the host that a job gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Gpus {
    /// All of them.
    All,
    /// Any so many.
    Count(std::num::NonZeroU16),
    /// These, by index or UUID.
    Devices(Vec<String>),
}

text_value!(Gpus, Integer, "all, a count, or device=ID[,ID…]", "all");

impl FromStr for Gpus {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Docker's users quote the list once more, because its own flag is comma-separated.
        let bare = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let gpus = match bare.strip_prefix("device=") {
            Some(list) => parse_devices(list).map(Self::Devices),
            None if bare == "all" => Some(Self::All),
            None => bare.parse().ok().map(Self::Count),
        };
        gpus.ok_or_else(|| InvalidValue::new("GPUs", text, "use all, a count, or device=0,1"))
    }
}

fn parse_devices(list: &str) -> Option<Vec<String>> {
    let is_id = |id: &str| {
        !id.is_empty()
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_' | '/' | '.'))
    };
    let ids: Vec<String> = list.split(',').map(str::to_owned).collect();
    ids.iter().all(|id| is_id(id)).then_some(ids)
}

impl fmt::Display for Gpus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all"),
            Self::Count(count) => count.fmt(formatter),
            Self::Devices(ids) => write!(formatter, "device={}", ids.join(",")),
        }
    }
}
