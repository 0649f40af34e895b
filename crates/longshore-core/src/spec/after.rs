//! What a job waits for, as it is typed: `JOB[:succeeded|finished|failed]`.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};
use crate::dependency::Condition;

/// The name or id of a job or an array, and how it has to end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct After {
    /// As it was typed.
    pub job: String,
    /// How it has to end.
    pub condition: Condition,
}

text_value!(
    After,
    Text,
    "a job or an array to wait for, with how it has to end: succeeded, finished or failed",
    "build:succeeded"
);

impl FromStr for After {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.rsplit_once(':').and_then(|(job, word)| {
            let condition = word.parse().ok()?;
            Some((job, condition))
        });
        let (job, condition) = named.unwrap_or((text, Condition::default()));
        if job.trim().is_empty() {
            let hint = "use JOB or JOB:succeeded, JOB:finished, JOB:failed";
            return Err(InvalidValue::new("dependency", text, hint));
        }
        Ok(Self {
            job: job.to_owned(),
            condition,
        })
    }
}

impl fmt::Display for After {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.job, self.condition)
    }
}
