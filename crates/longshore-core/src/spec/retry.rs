//! The two retry budgets of a job and how long it waits between attempts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resources::ByteSize;
use super::retry_reason::RetryReason;
use super::text::{InvalidValue, text_value};

/// How often a job is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Further attempts when the job itself fails; 0 to 100.
    pub retries: u32,
    /// Further attempts when a host or we fail; 0 to 100.
    pub infra_retries: u32,
    /// How the waits between attempts grow.
    pub strategy: RetryStrategy,
    /// Exit codes that are worth another attempt; every code but 0 when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retry_on_exit: Vec<i32>,
    /// Failures of the job that are worth another attempt, such as `oom` or `exit(75)`; all that can
    /// be tried again when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<RetryReason>,
    /// Failures that are never tried again, whoever is to blame; goes before everything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never_retry_on: Vec<RetryReason>,
    /// After an attempt that ran out of memory the next one gets twice as much, up to this; each
    /// takes one of `retries`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_up_to: Option<ByteSize>,
}

impl RetryPolicy {
    /// Largest budget of either kind.
    pub const MOST: u32 = 100;
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 0,
            infra_retries: 3,
            strategy: RetryStrategy::Default,
            retry_on_exit: Vec::new(),
            retry_on: Vec::new(),
            never_retry_on: Vec::new(),
            oom_up_to: None,
        }
    }
}

/// How the waits between attempts grow; the names are those of the legacy system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetryStrategy {
    /// From 2 seconds up to a minute.
    #[default]
    Default,
    /// From 1 second up to half a minute.
    Aggressive,
    /// From 5 seconds up to five minutes.
    Conservative,
    /// From half a second up to a quarter of a minute.
    HighPriority,
}

text_value!(
    RetryStrategy,
    Text,
    "how waits between attempts grow: default, aggressive, conservative or high_priority",
    "default"
);

impl RetryStrategy {
    /// The first wait.
    pub fn base(self) -> Duration {
        match self {
            Self::Default => Duration::from_secs(2),
            Self::Aggressive => Duration::from_secs(1),
            Self::Conservative => Duration::from_secs(5),
            Self::HighPriority => Duration::from_millis(500),
        }
    }

    /// The longest wait.
    pub fn cap(self) -> Duration {
        match self {
            Self::Default => Duration::from_mins(1),
            Self::Aggressive => Duration::from_secs(30),
            Self::Conservative => Duration::from_mins(5),
            Self::HighPriority => Duration::from_secs(15),
        }
    }
}

impl FromStr for RetryStrategy {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self::Default),
            "aggressive" => Ok(Self::Aggressive),
            "conservative" => Ok(Self::Conservative),
            "high_priority" => Ok(Self::HighPriority),
            _ => {
                let hint = "use default, aggressive, conservative or high_priority";
                Err(InvalidValue::new("retry strategy", text, hint))
            }
        }
    }
}

impl fmt::Display for RetryStrategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Default => "default",
            Self::Aggressive => "aggressive",
            Self::Conservative => "conservative",
            Self::HighPriority => "high_priority",
        })
    }
}
