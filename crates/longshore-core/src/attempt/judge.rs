//! From the facts of an ended container to a verdict, with distrust where it is due.

use jiff::Timestamp;

use super::{Exit, ExitCause, StopCause, Terms};
use crate::limits::ENGINE_STOP_WINDOW;
use crate::outcome::{FailReason, Limit, Outcome, Provenance, Verdict};

/// What is known beside the container's own record when its end is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How the end was learnt.
    pub provenance: Provenance,
    /// Somebody other than us sent it a signal before it ended.
    pub foreign_kill: bool,
    /// When the engine started, where that is known.
    pub engine_started_at: Option<Timestamp>,
}

impl Evidence {
    /// Learnt in this way, with nothing suspicious beside it.
    pub fn plain(provenance: Provenance) -> Self {
        Self {
            provenance,
            foreign_kill: false,
            engine_started_at: None,
        }
    }
}

/// Exit code of containers whose end the engine itself does not know.
const ENGINE_DOES_NOT_KNOW: i32 = 255;
/// Code of a process that was killed.
const SIGKILL: i32 = 137;
/// Codes of a process that was killed or terminated by signal.
const KILLED: [i32; 2] = [SIGKILL, 143];

/// An engine does not hear of every lack of memory, and says nothing then.
const KILLED_FROM_WITHIN: &str =
    "killed: by a process of its own, or for lack of memory that the engine did not notice";

const UNWITNESSED: &str = "whoever ran the container was ended, and the container with it";

/// How an ended container is to be read.
///
/// Guarantees: an end that came with the engine's own, that only a restarted engine tells of without
/// proof, or that nobody saw, is `lost` and never a success; an end that we caused has our cause as
/// its reason.
pub fn judge(exit: &Exit, cause: Option<StopCause>, evidence: &Evidence, terms: &Terms) -> Verdict {
    let verdict = |outcome, message: Option<&str>| Verdict {
        outcome,
        exit_code: (outcome != Outcome::Failed(FailReason::Lost)
            && exit.cause != ExitCause::Unwitnessed)
            .then_some(exit.code),
        oom_killed: exit.oom_killed,
        provenance: evidence.provenance,
        started_at: exit.started_at,
        finished_at: exit.finished_at.max(exit.started_at),
        message: message.map(str::to_owned).or_else(|| exit.message.clone()),
    };
    if let Some(cause) = cause {
        return verdict(cause.outcome(), None);
    }
    match exit.cause {
        ExitCause::RunLimit => return verdict(Outcome::TimedOut(Limit::Run), None),
        ExitCause::Unwitnessed => {
            return verdict(Outcome::Failed(FailReason::Lost), Some(UNWITNESSED));
        }
        ExitCause::Itself | ExitCause::Stopped if overran(exit, terms) => {
            return verdict(Outcome::TimedOut(Limit::Run), None);
        }
        ExitCause::Itself | ExitCause::Stopped => {}
    }
    if let Some(doubt) = doubt(exit, evidence) {
        return verdict(Outcome::Failed(FailReason::Lost), Some(doubt));
    }
    let was_asked = evidence.foreign_kill || exit.cause == ExitCause::Stopped;
    match (exit.code, exit.oom_killed) {
        (0, false) => verdict(Outcome::Completed, None),
        (0, true) => verdict(
            Outcome::Completed,
            Some("a process of the job was killed for lack of memory"),
        ),
        (_, true) => verdict(Outcome::Failed(FailReason::Oom), None),
        (code @ SIGKILL, false) if !was_asked => verdict(
            Outcome::Failed(FailReason::Exit(code)),
            Some(KILLED_FROM_WITHIN),
        ),
        (code, false) => verdict(Outcome::Failed(FailReason::Exit(code)), None),
    }
}

/// A worker that stopped it for its time limit died before it could say so.
fn overran(exit: &Exit, terms: &Terms) -> bool {
    match (exit.started_at, exit.finished_at, terms.run) {
        (Some(started), Some(finished), Some(run)) => {
            KILLED.contains(&exit.code) && finished >= started + run
        }
        (None, _, _) | (_, None, _) | (_, _, None) => false,
    }
}

/// Why the record of this end cannot be believed, if so.
fn doubt(exit: &Exit, evidence: &Evidence) -> Option<&'static str> {
    let live = evidence.provenance == Provenance::Event && !evidence.foreign_kill;
    if live {
        return None;
    }
    if exit.code == ENGINE_DOES_NOT_KNOW && evidence.provenance != Provenance::Event {
        return Some("the engine lost the container: host or engine failed");
    }
    let engine_started_at = evidence.engine_started_at?;
    let restarted = exit
        .started_at
        .is_none_or(|started_at| started_at < engine_started_at);
    let near = exit
        .finished_at
        .is_none_or(|finished_at| finished_at + ENGINE_STOP_WINDOW >= engine_started_at);
    let killed = KILLED.contains(&exit.code);
    (restarted && (near || killed)).then_some("the engine was restarted under the container")
}
