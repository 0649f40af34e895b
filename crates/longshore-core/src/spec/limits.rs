//! The clocks of a job and its two retry budgets.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::fmt::friendly::{Spacing, SpanPrinter};
use jiff::{Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{InvalidValue, text_value};

/// A duration above zero and at most ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeLimit(Duration);

text_value!(
    TimeLimit,
    Number,
    "a duration: seconds, or with units such as 10m or 1h30m",
    "10m"
);

impl TimeLimit {
    /// The longest limit, so that deadlines never overflow.
    pub const MOST: Duration = Duration::from_hours(10 * 365 * 24);

    /// So many seconds; zero becomes one, more than [`Self::MOST`] becomes that.
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds == 0 {
            return Self(Duration::from_secs(1));
        }
        if seconds > Self::MOST.as_secs() {
            return Self(Self::MOST);
        }
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Reads a limit that can be switched off by `none`.
    ///
    /// # Errors
    /// When the text is neither `none` nor a limit.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, InvalidValue> {
        if text == "none" {
            return Ok(None);
        }
        text.parse().map(Some)
    }
}

impl FromStr for TimeLimit {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = parse_duration(text).ok_or_else(|| {
            let hint = "use seconds or units, such as 90, 10m or 1h30m";
            InvalidValue::new("time limit", text, hint)
        })?;
        if duration.is_zero() {
            let hint = "it must be above zero; use a time such as 10m";
            return Err(InvalidValue::new("time limit", text, hint));
        }
        if duration > Self::MOST {
            return Err(InvalidValue::new(
                "time limit",
                text,
                "ten years are the most",
            ));
        }
        Ok(Self(duration))
    }
}

/// Bare numbers are seconds; everything else is jiff's friendly format, with days of 24 hours.
fn parse_duration(text: &str) -> Option<Duration> {
    let is_bare = text.ends_with(|last: char| last.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let span: Span = if is_bare {
        format!("{text}s").parse()
    } else {
        text.parse()
    }
    .ok()?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = SpanPrinter::new().spacing(Spacing::None);
        formatter.write_str(&printer.unsigned_duration_to_string(&self.0))
    }
}

/// The time limits of a job, each with its own clock. `none` switches an optional one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeLimits {
    /// Longest wait for a slot; none by default.
    #[serde(with = "none_or_limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TimeLimit")]
    pub queue: Option<TimeLimit>,
    /// Longest silence of a pull.
    pub pull_idle: TimeLimit,
    /// Longest pull.
    pub pull: TimeLimit,
    /// Longest time from the container's creation until it runs.
    pub start: TimeLimit,
    /// Longest run of one attempt; an hour by default, `none` switches it off.
    #[serde(with = "none_or_limit")]
    #[schemars(with = "TimeLimit")]
    pub run: Option<TimeLimit>,
    /// Time between the stop signal and the kill.
    pub stop_grace: TimeLimit,
    /// Longest time from submit to the final status, all attempts included; none by default.
    #[serde(with = "none_or_limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TimeLimit")]
    pub total: Option<TimeLimit>,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            queue: None,
            pull_idle: TimeLimit::from_secs(2 * 60),
            pull: TimeLimit::from_secs(30 * 60),
            start: TimeLimit::from_secs(2 * 60),
            run: Some(TimeLimit::from_secs(60 * 60)),
            stop_grace: TimeLimit::from_secs(10),
            total: None,
        }
    }
}

/// Serde of an optional limit: absence has its own word, because the default may be a limit.
mod none_or_limit {
    use std::fmt;
    use std::str::FromStr;

    use serde::{Deserializer, Serializer};

    use super::TimeLimit;
    use crate::spec::text::{Accepts, InvalidValue, deserialize_scalar};

    struct NoneOrLimit(Option<TimeLimit>);

    impl FromStr for NoneOrLimit {
        type Err = InvalidValue;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            TimeLimit::parse_optional(text).map(Self)
        }
    }

    impl fmt::Display for NoneOrLimit {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Some(limit) => limit.fmt(formatter),
                None => formatter.write_str("none"),
            }
        }
    }

    #[expect(clippy::ref_option, reason = "serde hands a reference")]
    pub(super) fn serialize<S: Serializer>(
        limit: &Option<TimeLimit>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&NoneOrLimit(*limit))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<TimeLimit>, D::Error> {
        deserialize_scalar(from, Accepts::Number, "a duration such as 10m, or none")
            .map(|NoneOrLimit(limit)| limit)
    }
}
