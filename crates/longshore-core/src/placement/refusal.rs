//! Why a host does not take a job, and what change would let it.

use std::fmt;

use jiff::Timestamp;

use crate::share::Resource;

/// Why a host does not take a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The job names another host.
    OtherHost {
        /// Its name.
        name: String,
    },
    /// A label that the job wants is not there, or has another value.
    Label {
        /// Its key.
        key: String,
        /// The value that the job wants.
        wanted: String,
        /// The value that the host has.
        found: Option<String>,
    },
    /// The host can never do what the job asks for.
    Unsupported {
        /// What that is, and what to do instead.
        said: String,
    },
    /// The host could not take the job if it were empty.
    TooSmall {
        /// Of what it has too little.
        resource: Resource,
        /// How much the job needs.
        needs: u64,
        /// How much there is.
        has: u64,
    },
    /// The host takes nothing new.
    Draining,
    /// The host is in one of its maintenance windows.
    Maintenance {
        /// When that ends.
        until: Timestamp,
    },
    /// The host does not answer.
    Unreachable {
        /// What came instead of an answer.
        said: String,
    },
    /// The host failed the last attempts that it got.
    BreakerOpen {
        /// What went wrong last.
        reason: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The host failed before, and has got one attempt to show that it is well.
    OnTrial {
        /// What went wrong.
        reason: String,
    },
    /// All slots are taken.
    Full {
        /// How many there are.
        slots: u32,
    },
    /// Too much is taken by attempts and by the containers of others.
    NoRoom {
        /// Of what too little is left.
        resource: Resource,
        /// How much the job needs.
        needs: u64,
        /// How much is left.
        free: u64,
        /// How much the host offers in all.
        offered: u64,
    },
}

impl Refusal {
    /// Whether the end of other jobs is enough for the host to take this one.
    pub fn is_for_load(&self) -> bool {
        match self {
            Self::Full { .. } | Self::NoRoom { .. } | Self::OnTrial { .. } => true,
            Self::OtherHost { .. }
            | Self::Label { .. }
            | Self::Unsupported { .. }
            | Self::TooSmall { .. }
            | Self::Draining
            | Self::Maintenance { .. }
            | Self::Unreachable { .. }
            | Self::BreakerOpen { .. } => false,
        }
    }

    /// What would let the host of this name take the job; `None` where that is not the host's affair.
    pub fn remedy(&self, host: &str) -> Option<String> {
        Some(match self {
            Self::OtherHost { .. } | Self::Unsupported { .. } => return None,
            Self::Label { key, wanted, .. } => {
                format!("`longshore hosts set {host} --label {key}={wanted}`")
            }
            Self::TooSmall { resource, has, .. } => match resource {
                Resource::Cpu => format!("ask for at most {}", resource.amount(*has)),
                Resource::Memory => format!(
                    "ask for at most {}, or `longshore hosts set {host} --memory SIZE` if it has more",
                    resource.amount(*has)
                ),
            },
            Self::Draining => format!("`longshore hosts uncordon {host}`"),
            Self::Maintenance { .. } => {
                format!("wait, or `longshore hosts set {host} --no-maintenance`")
            }
            Self::Unreachable { .. } => {
                format!("start its engine; `longshore doctor {host}` looks")
            }
            Self::BreakerOpen { .. } => {
                format!("wait for its canary, or repair it and `longshore hosts uncordon {host}`")
            }
            Self::OnTrial { .. } => format!("wait, or `longshore hosts uncordon {host}`"),
            Self::Full { slots } => format!(
                "wait, or `longshore hosts set {host} --slots {}`",
                slots.saturating_add(1)
            ),
            Self::NoRoom { resource, .. } => {
                let flag = match resource {
                    Resource::Cpu => "--cpus NUMBER",
                    Resource::Memory => "--memory SIZE",
                };
                format!("wait, or let it give more by `longshore hosts set {host} {flag}`")
            }
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHost { name } => write!(f, "the job names host {name}"),
            Self::Label {
                key,
                wanted,
                found: None,
            } => write!(f, "has no label {key}={wanted}"),
            Self::Label {
                key,
                wanted,
                found: Some(found),
            } => write!(f, "has {key}={found}, the job wants {key}={wanted}"),
            Self::Unsupported { said } => f.write_str(said),
            Self::TooSmall {
                resource,
                needs,
                has,
            } => {
                let (needs, has) = (resource.amount(*needs), resource.amount(*has));
                write!(f, "needs {needs}, the host has {has}")
            }
            Self::Draining => f.write_str("draining"),
            Self::Maintenance { until } => write!(f, "in maintenance until {until:.0}"),
            Self::Unreachable { said } => write!(f, "does not answer: {said}"),
            Self::BreakerOpen { reason, until } => {
                write!(
                    f,
                    "failed its last attempts ({reason}), tried again at {until:.0}"
                )
            }
            Self::OnTrial { reason } => {
                write!(
                    f,
                    "failed before ({reason}), one attempt at a time until one runs"
                )
            }
            Self::Full { slots: 1 } => f.write_str("its one slot is taken"),
            Self::Full { slots } => write!(f, "all {slots} slots are taken"),
            Self::NoRoom {
                resource,
                needs,
                free,
                offered,
            } => {
                let [needs, free, offered] =
                    [needs, free, offered].map(|amount| resource.amount(*amount));
                write!(f, "needs {needs}, {free} of {offered} are free")
            }
        }
    }
}
