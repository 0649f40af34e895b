//! How a container stands, in the words of the port.

use longshore_core::attempt::{Exit, ExitCause, Observed, Refusal};
use longshore_core::fault::Fault;
use longshore_executor::ExecutorError;
use longshore_runtime::{EndCause, Ended, Refused, Status};

use crate::faults;
use crate::handle::ContainerId;
use crate::opened::Opened;

/// The code of a container whose end nobody saw, as engines have it; it means nothing.
const NOBODY_KNOWS: i32 = 255;

/// How the container with this id stands.
pub(crate) fn observe(opened: &Opened, id: &ContainerId) -> Result<Observed, ExecutorError> {
    let Some(status) = status(opened, id)? else {
        return Ok(Observed::Absent);
    };
    if let Status::Ended(ended) = &status {
        opened.ends.keep(&id.handle(), ended);
    }
    Ok(observed(status))
}

/// How it stands in the words of the runtime.
pub(crate) fn status(opened: &Opened, id: &ContainerId) -> Result<Option<Status>, ExecutorError> {
    if !opened.has(id)? {
        return Ok(None);
    }
    let status = opened.runtime.status(&id.name());
    status.map_err(|why| faults::of_runtime(&format!("look at container {id}"), why))
}

fn observed(status: Status) -> Observed {
    match status {
        Status::Created { refused } => Observed::Created {
            refused: refused.map(refusal),
        },
        // Whoever starts it again waits for the start that is under way.
        Status::Starting => Observed::Created { refused: None },
        Status::Running { started_at } => Observed::Running {
            started_at: Some(started_at),
        },
        Status::Ended(ended) => Observed::Exited(exit(&ended)),
        Status::Lost { started_at } => Observed::Exited(Exit {
            code: NOBODY_KNOWS,
            oom_killed: false,
            started_at,
            finished_at: None,
            message: None,
            cause: ExitCause::Unwitnessed,
        }),
    }
}

fn refusal(refused: Refused) -> Refusal {
    Refusal {
        fault: Fault::StartRefused(refused.code),
        message: refused.message,
    }
}

fn exit(ended: &Ended) -> Exit {
    Exit {
        code: ended.code,
        oom_killed: ended.oom_killed,
        started_at: Some(ended.started_at),
        finished_at: Some(ended.finished_at),
        message: None,
        cause: match ended.cause {
            EndCause::Itself => ExitCause::Itself,
            EndCause::Stopped => ExitCause::Stopped,
            EndCause::RunLimit => ExitCause::RunLimit,
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use longshore_runtime::{LogTotals, Totals};

    use super::*;

    fn ended(cause: EndCause) -> Status {
        Status::Ended(Ended {
            code: 3,
            cause,
            oom_killed: true,
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            totals: Totals::default(),
            log: LogTotals::default(),
        })
    }

    fn cause(status: Status) -> ExitCause {
        match observed(status) {
            Observed::Exited(exit) => exit.cause,
            Observed::Absent
            | Observed::Created { .. }
            | Observed::Running { .. }
            | Observed::Removing => panic!("has ended"),
        }
    }

    #[test]
    fn an_end_says_what_ended_it() {
        assert_eq!(cause(ended(EndCause::Itself)), ExitCause::Itself);
        assert_eq!(cause(ended(EndCause::Stopped)), ExitCause::Stopped);
        assert_eq!(cause(ended(EndCause::RunLimit)), ExitCause::RunLimit);
    }

    #[test]
    fn a_container_that_lost_its_supervisor_has_ended_and_nobody_knows_how() {
        let lost = Status::Lost { started_at: None };
        assert_eq!(cause(lost), ExitCause::Unwitnessed);
    }

    #[test]
    fn one_that_is_being_started_may_be_started_again() {
        let created = Observed::Created { refused: None };
        assert_eq!(observed(Status::Starting), created);
        assert_eq!(observed(Status::Created { refused: None }), created);
    }
}
