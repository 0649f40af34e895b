//! Why a command failed, said once and in full: what, where, what was said, what to type next.

use std::fmt;
use std::io;

use longshore_core::with_causes;
use longshore_service::{ServiceError, Why};
use longshore_store::{LogError, LogPlace, ResolveError, StoreError};

use crate::backstage::Trouble;
use crate::draft::Problem;
use crate::whereabouts::Nowhere;

/// What sort of failure it is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// What was typed is wrong.
    Usage,
    /// Something is broken, not there, or was refused.
    Refused,
    /// Nobody reads our output.
    NoReader,
    /// The time that the user gave is over.
    TimedOut,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: FailureKind,
    /// One line per problem.
    lines: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// What was typed is wrong.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Usage,
            lines: vec![text.into()],
            hint: None,
        }
    }

    /// Something is broken, not there, or was refused.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Refused,
            ..Self::usage(text)
        }
    }

    /// The time that the user gave is over.
    pub(crate) fn timed_out(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::TimedOut,
            ..Self::usage(text)
        }
    }

    /// Everything that is wrong with what was typed.
    pub(crate) fn problems(problems: &[Problem]) -> Self {
        let lines = problems.iter().map(Problem::to_string).collect();
        let hint = (problems.len() > 1)
            .then(|| format!("{} problems; nothing was stored", problems.len()));
        Self {
            kind: FailureKind::Usage,
            lines,
            hint,
        }
    }

    /// What to type next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// What to type next, unless that was said.
    #[must_use]
    pub(crate) fn or_hint(self, hint: impl FnOnce() -> String) -> Self {
        Self {
            hint: self.hint.or_else(|| Some(hint())),
            ..self
        }
    }

    /// Says which of several it is about.
    #[must_use]
    pub(crate) fn of(self, name: &str) -> Self {
        let lines = self.lines.iter().map(|line| format!("{name}: {line}"));
        Self {
            lines: lines.collect(),
            ..self
        }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The lines for standard error; none when there is nobody to tell.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let errors = self.lines.iter().map(|line| format!("error: {line}"));
        let hint = self.hint.iter().map(|hint| format!(" hint: {hint}"));
        errors.chain(hint)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

impl From<io::Error> for Failure {
    /// Only our own output is written without more context.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                kind: FailureKind::NoReader,
                lines: Vec::new(),
                hint: None,
            };
        }
        Self::refused(format!("cannot write the output: {error}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::refused(with_causes(&error));
        match error {
            StoreError::HostInUse { .. } => failure.hint(
                "`longshore jobs --status running` shows what runs; wait or cancel, then try again",
            ),
            StoreError::Folder { .. } => {
                failure.hint("name another folder by --store DIR or LONGSHORE_STORE")
            }
            StoreError::Unreachable { .. } => failure.hint(
                "is the database server running, and may you log in? --store or LONGSHORE_STORE \
                 names it, PGPASSWORD or ~/.pgpass the password",
            ),
            StoreError::Unsure { .. } => failure.hint(
                "`longshore jobs` shows what is there; with --idempotency-key a submit can be said again",
            ),
            StoreError::OtherLogs { .. } => failure.hint(
                "name the place of the pool's logs by --logs; if it is a folder, mount it here",
            ),
            StoreError::Logs {
                place: LogPlace::Bucket(_),
                ..
            } => failure.hint(
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL say how \
                 the bucket is reached",
            ),
            StoreError::Logs {
                place: LogPlace::Folder(_),
                ..
            } => failure.hint("make the folder writable, or name another one by --logs"),
            StoreError::Damaged { .. } => failure.hint("`longshore doctor` looks at the store"),
            StoreError::TooMany { .. } => failure.hint("split the file and submit its parts"),
            StoreError::Busy
            | StoreError::DiskFull
            | StoreError::Unreadable { .. }
            | StoreError::NotFound { .. }
            | StoreError::NameTaken { .. }
            | StoreError::Stale { .. }
            | StoreError::TooNew { .. }
            | StoreError::Closed
            | StoreError::Database { .. } => failure,
        }
    }
}

impl From<Nowhere> for Failure {
    fn from(nowhere: Nowhere) -> Self {
        Self::usage(nowhere.to_string()).hint(nowhere.hint())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::refused(with_causes(&error))
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self::refused(with_causes(&error)).hint("`longshore jobs` lists them; `-` is the newest")
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let failure = Self::refused(with_causes(&error));
        let Some(why) = error.why() else {
            return failure.hint("`longshore hosts check` asks all hosts; nothing was decided");
        };
        match why {
            Why::NoContainer => failure.hint("`longshore docker create --job JOB` makes one"),
            Why::NotStarted => failure.hint("`longshore docker start JOB` starts it"),
            Why::StillRunning(_) => failure.hint("`longshore docker stop JOB` stops it"),
            Why::Status(_) => failure.hint("`longshore docker restart JOB` runs it anew"),
            Why::TooMany(_) => failure.hint("name fewer jobs at once"),
            Why::OfEngine
            | Why::NoHost(_)
            | Why::Host(_)
            | Why::Unable(_)
            | Why::Store(_)
            | Why::Log(_)
            | Why::Interrupted => failure,
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let failure = Self::refused(trouble.to_string());
        match trouble.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
