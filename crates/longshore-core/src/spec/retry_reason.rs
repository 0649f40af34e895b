//! Reasons to try a job again, or never, as they stand beside a status: `oom`, `exit(75)`.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};
use crate::outcome::{FailReason, Limit, Outcome};

/// A reason that an attempt may have ended for, and after which another one is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryReason {
    /// Its main process ended with this code; with any but 0 where none is named.
    Exit(Option<i32>),
    /// Its main process was ended by this signal; by any where none is named.
    Signal(Option<i32>),
    /// It ran out of memory.
    Oom,
    /// Its run limit passed.
    Run,
    /// Its pull limit passed.
    Pull,
    /// Its start limit passed.
    Start,
    /// Its image could not be pulled.
    ImagePull,
    /// Nobody knows how it ended.
    Lost,
}

text_value!(
    RetryReason,
    Integer,
    "a reason as it stands beside a status: exit(75) or 75, exit, signal(9), signal, oom, run, pull, \
     start, image_pull or lost",
    "oom"
);

const HINT: &str =
    "use an exit code, or exit, signal, signal(9), oom, run, pull, start, image_pull or lost";

impl RetryReason {
    /// Whether an attempt that ended so ended for this reason.
    pub fn covers(self, outcome: Outcome) -> bool {
        let reason = match outcome {
            Outcome::Failed(reason) => reason,
            Outcome::TimedOut(limit) => return self.limit() == Some(limit),
            Outcome::Completed | Outcome::Cancelled(_) => return false,
        };
        match reason {
            FailReason::Exit(code) => self == Self::Exit(None) || self == Self::Exit(Some(code)),
            FailReason::Signal(number) => {
                self == Self::Signal(None) || self == Self::Signal(Some(number))
            }
            FailReason::Oom => self == Self::Oom,
            FailReason::ImagePull => self == Self::ImagePull,
            FailReason::Lost => self == Self::Lost,
            FailReason::ImageNotFound
            | FailReason::ImageDenied
            | FailReason::Start(_)
            | FailReason::Rejected
            | FailReason::Dependency
            | FailReason::Evicted => false,
        }
    }

    /// Whether the job's own budget pays for what follows.
    pub fn is_of_job(self) -> bool {
        match self {
            Self::Exit(_) | Self::Signal(_) | Self::Oom | Self::Run => true,
            Self::Pull | Self::Start | Self::ImagePull | Self::Lost => false,
        }
    }

    fn limit(self) -> Option<Limit> {
        match self {
            Self::Run => Some(Limit::Run),
            Self::Pull => Some(Limit::Pull),
            Self::Start => Some(Limit::Start),
            Self::Exit(_) | Self::Signal(_) | Self::Oom | Self::ImagePull | Self::Lost => None,
        }
    }
}

impl FromStr for RetryReason {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidValue::new("reason to retry", text, HINT))
    }
}

fn parse(text: &str) -> Option<RetryReason> {
    if let Some((word, rest)) = text.split_once('(') {
        let number = rest.strip_suffix(')')?.parse().ok()?;
        return match word {
            "exit" => exit(number),
            "signal" if (1..=64).contains(&number) => Some(RetryReason::Signal(Some(number))),
            _ => None,
        };
    }
    match text {
        "exit" => Some(RetryReason::Exit(None)),
        "signal" => Some(RetryReason::Signal(None)),
        "oom" => Some(RetryReason::Oom),
        "run" => Some(RetryReason::Run),
        "pull" => Some(RetryReason::Pull),
        "start" => Some(RetryReason::Start),
        "image_pull" => Some(RetryReason::ImagePull),
        "lost" => Some(RetryReason::Lost),
        code => exit(code.parse().ok()?),
    }
}

/// The reason with an exit code that a failure can have.
fn exit(code: i32) -> Option<RetryReason> {
    (1..=255)
        .contains(&code)
        .then_some(RetryReason::Exit(Some(code)))
}

impl fmt::Display for RetryReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(Some(code)) => write!(formatter, "exit({code})"),
            Self::Signal(Some(number)) => write!(formatter, "signal({number})"),
            Self::Exit(None) => formatter.write_str("exit"),
            Self::Signal(None) => formatter.write_str("signal"),
            Self::Oom => formatter.write_str("oom"),
            Self::Run => formatter.write_str("run"),
            Self::Pull => formatter.write_str("pull"),
            Self::Start => formatter.write_str("start"),
            Self::ImagePull => formatter.write_str("image_pull"),
            Self::Lost => formatter.write_str("lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_back_as_it_is_printed() {
        for (typed, printed) in [
            ("75", "exit(75)"),
            ("exit(75)", "exit(75)"),
            ("exit", "exit"),
            ("signal(9)", "signal(9)"),
            ("signal", "signal"),
            ("oom", "oom"),
            ("run", "run"),
            ("pull", "pull"),
            ("start", "start"),
            ("image_pull", "image_pull"),
            ("lost", "lost"),
        ] {
            let reason: RetryReason = typed.parse().unwrap();
            assert_eq!(reason.to_string(), printed);
            assert_eq!(printed.parse(), Ok(reason));
        }
    }

    #[test]
    fn what_no_attempt_is_tried_again_for_is_no_reason() {
        for text in [
            "",
            "0",
            "256",
            "-1",
            "exit(0)",
            "signal(65)",
            "start(127)",
            "rejected",
            "oom(1)",
            "exit(1",
        ] {
            let error = text.parse::<RetryReason>().unwrap_err().to_string();
            assert!(error.contains("use an exit code"), "{text}: {error}");
        }
    }

    #[test]
    fn a_reason_without_a_number_covers_all_of_its_kind() {
        let reason = |text: &str| text.parse::<RetryReason>().unwrap();
        let exit = Outcome::Failed(FailReason::Exit(75));
        let killed = Outcome::Failed(FailReason::Signal(9));
        let late = Outcome::TimedOut(Limit::Run);
        for (text, outcome, is_covered) in [
            ("75", exit, true),
            ("exit", exit, true),
            ("exit(1)", exit, false),
            ("oom", exit, false),
            ("signal", killed, true),
            ("signal(15)", killed, false),
            ("run", late, true),
            ("start", late, false),
            ("lost", Outcome::Failed(FailReason::Lost), true),
            ("exit", Outcome::Failed(FailReason::Start(127)), false),
            ("exit", Outcome::Completed, false),
        ] {
            assert_eq!(
                reason(text).covers(outcome),
                is_covered,
                "{text}, {outcome:?}"
            );
        }
    }
}
