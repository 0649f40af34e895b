//! Exit codes: the one place that maps how a job or a command ended to a number.

use longshore_core::job::Job;
use longshore_core::outcome::{FailReason, Outcome};

use crate::failure::{Failure, FailureKind};

/// All is well.
pub(crate) const SUCCESS: u8 = 0;
/// Something is broken or was refused.
pub(crate) const FAILURE: u8 = 1;
/// What was typed is wrong.
pub(crate) const USAGE: u8 = 2;
/// A time limit passed.
pub(crate) const TIMED_OUT: u8 = 124;
/// longshore failed before the container ran, or nobody knows how it ended.
pub(crate) const NOT_RUN: u8 = 125;
/// Cancelled or interrupted.
pub(crate) const CANCELLED: u8 = 130;
/// The reader of our output went away: 128 and SIGPIPE.
pub(crate) const NO_READER: u8 = 141;
/// Killed, as a shell says it: 128 and SIGKILL.
const KILLED: u8 = 137;
/// Shells add this to the number of a signal.
const SIGNAL_BASE: i32 = 128;

/// The text of `longshore help exit-codes`.
pub(crate) const HELP: &str = "\
exit codes

run and wait end with the code of the job:
  0         the container ended with 0
  1 to 255  the container's own exit code
  124       a time limit passed: queue, pull, start, run or total (for wait: also --timeout)
  125       longshore failed before the container ran, or nobody knows how it ended: wrong flags,
            image not found, denied or not pulled, host refused it, attempt lost
  126       the command cannot be executed
  127       the command was not found
  128+N     the container was ended by signal N (137: killed, often for lack of memory)
  130       the job was cancelled, or run was interrupted twice and the job goes on
  141       nobody reads the output of run any more; the job goes on

a container may end with 124 to 127 by itself; `longshore inspect JOB` shows the reason

all other commands:
  0         done
  1         something is broken, not there, or was refused
  2         what was typed is wrong; nothing was changed
";

/// The code of a job that is final; of one that is not, what `run` ends with when it gives up.
pub(crate) fn of_job(job: &Job) -> u8 {
    match job.outcome {
        None => NOT_RUN,
        Some(outcome) => of_outcome(outcome, job.exit_code),
    }
}

fn of_outcome(outcome: Outcome, exit_code: Option<i32>) -> u8 {
    match outcome {
        Outcome::Completed => SUCCESS,
        Outcome::TimedOut(_) => TIMED_OUT,
        Outcome::Cancelled(_) => CANCELLED,
        Outcome::Failed(FailReason::Exit(code)) => byte(code),
        Outcome::Failed(FailReason::Signal(number)) => byte(SIGNAL_BASE + number),
        Outcome::Failed(FailReason::Oom) => exit_code.map_or(KILLED, byte),
        Outcome::Failed(FailReason::Start(code)) => code,
        Outcome::Failed(
            FailReason::ImageNotFound
            | FailReason::ImageDenied
            | FailReason::ImagePull
            | FailReason::Rejected
            | FailReason::Dependency
            | FailReason::Lost
            | FailReason::Evicted,
        ) => NOT_RUN,
    }
}

/// A failure must never look like success, whatever the number.
fn byte(code: i32) -> u8 {
    match u8::try_from(code) {
        Ok(0) | Err(_) => NOT_RUN,
        Ok(code) => code,
    }
}

/// Which numbers a command's own failures have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As `docker run`: whatever goes wrong before the container runs is 125.
    Run,
    /// As any other program.
    Plain,
}

/// The code of a command that failed.
pub(crate) fn of_failure(failure: &Failure, manner: Manner) -> u8 {
    match (failure.kind(), manner) {
        (FailureKind::NoReader, Manner::Run) => NO_READER,
        (FailureKind::NoReader, Manner::Plain) => SUCCESS,
        (FailureKind::TimedOut, _) => TIMED_OUT,
        (FailureKind::Usage | FailureKind::Refused, Manner::Run) => NOT_RUN,
        (FailureKind::Usage, Manner::Plain) => USAGE,
        (FailureKind::Refused, Manner::Plain) => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use longshore_core::outcome::{CancelReason, Limit};

    use super::*;

    #[test]
    fn every_end_has_its_documented_code() {
        let failed = Outcome::Failed;
        let table = [
            (Outcome::Completed, Some(0), 0),
            (failed(FailReason::Exit(7)), Some(7), 7),
            (failed(FailReason::Exit(255)), Some(255), 255),
            (failed(FailReason::Exit(256)), Some(256), 125),
            (failed(FailReason::Signal(15)), None, 143),
            (failed(FailReason::Oom), Some(137), 137),
            (failed(FailReason::Oom), None, 137),
            (failed(FailReason::Oom), Some(1), 1),
            (failed(FailReason::Start(126)), None, 126),
            (failed(FailReason::Start(127)), None, 127),
            (failed(FailReason::ImageNotFound), None, 125),
            (failed(FailReason::ImageDenied), None, 125),
            (failed(FailReason::ImagePull), None, 125),
            (failed(FailReason::Rejected), None, 125),
            (failed(FailReason::Dependency), None, 125),
            (failed(FailReason::Lost), None, 125),
            (Outcome::TimedOut(Limit::Run), Some(137), 124),
            (Outcome::TimedOut(Limit::Queue), None, 124),
            (Outcome::Cancelled(CancelReason::User), Some(143), 130),
        ];
        for (outcome, exit_code, wanted) in table {
            assert_eq!(of_outcome(outcome, exit_code), wanted, "{outcome:?}");
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_of_a_list() {
        let broken = || Failure::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(of_failure(&broken(), Manner::Plain), SUCCESS);
        assert_eq!(of_failure(&broken(), Manner::Run), NO_READER);
        assert_eq!(broken().lines().count(), 0);
    }

    #[test]
    fn what_was_typed_wrong_is_two_and_125_for_run() {
        let wrong = Failure::usage("x");
        assert_eq!(of_failure(&wrong, Manner::Plain), USAGE);
        assert_eq!(of_failure(&wrong, Manner::Run), NOT_RUN);
    }
}
