//! The transitions: one function a state.

use jiff::Timestamp;

use super::{Action, Evidence, Machine, Observed, Refusal, Seen, State, StopCause, judge, refused};
use crate::fault::Fault;
use crate::launch::Handle;
use crate::outcome::{FailReason, Limit, Outcome, Provenance, Verdict};

/// How often an image may vanish between pull and create before that is the verdict.
const IMAGE_LOSSES: u8 = 2;

impl Machine {
    /// Takes in what was seen and says what to do.
    pub fn step(mut self, seen: Seen, now: Timestamp) -> (Self, Action) {
        self.note_silence(&seen, now);
        if seen == Seen::Clock && self.lost_at().is_some_and(|at| at <= now) {
            let action = self.lost(
                Provenance::Decision,
                "its host could not be reached for too long",
            );
            return (self, action);
        }
        let Some(seen) = self.expire(seen, now) else {
            return (self, Action::Keep);
        };
        let action = match self.state.clone() {
            State::Finding => self.finding(seen, now),
            State::Preparing => self.preparing(seen, now),
            State::Creating => self.creating(seen, now),
            State::Starting(handle) => self.starting(handle, seen, now),
            State::Running(handle) => self.running(handle, seen, now),
            State::Stopping(handle, _) => self.stopping(handle, seen, now),
            State::Draining(_, verdict) => self.drain(verdict, &seen),
            State::Ended(_) => Action::Keep,
        };
        (self, action)
    }

    /// Keeps since when the host is silent.
    fn note_silence(&mut self, seen: &Seen, now: Timestamp) {
        match seen {
            Seen::Failed(fault, _) if fault.is_silence() => {
                self.unknown_since.get_or_insert(now);
            }
            Seen::Cancel(_) | Seen::Evict | Seen::Clock => {}
            Seen::Failed(..)
            | Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => self.unknown_since = None,
        }
    }

    /// Turns a cancel or a passed clock into a wish; `None` when there is nothing to act upon.
    fn expire(&mut self, seen: Seen, now: Timestamp) -> Option<Seen> {
        match &seen {
            Seen::Cancel(reason) => self.wish = Some(StopCause::Cancel(*reason)),
            // What is to end for another reason ends anyway.
            Seen::Evict if self.wish.is_some() => {}
            Seen::Evict => self.wish = Some(StopCause::Evict),
            Seen::Clock => {
                let (until, limit) = self.clock()?;
                if now < until {
                    return None;
                }
                self.wish = Some(StopCause::Limit(limit));
            }
            Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained
            | Seen::Failed(..) => {}
        }
        Some(seen)
    }

    fn enter(&mut self, state: State, now: Timestamp) -> Action {
        self.state = state;
        self.since = now;
        self.first()
    }

    fn finish(&mut self, verdict: Verdict) -> Action {
        self.state = State::Ended(verdict.clone());
        Action::Finish(verdict)
    }

    /// Ends an attempt that has nothing running.
    fn give_up(&mut self, cause: StopCause) -> Action {
        self.finish(Verdict::without_run(
            cause.outcome(),
            Provenance::Decision,
            None,
        ))
    }

    fn lost(&mut self, provenance: Provenance, why: &str) -> Action {
        let outcome = Outcome::Failed(FailReason::Lost);
        self.finish(Verdict::without_run(
            outcome,
            provenance,
            Some(why.to_owned()),
        ))
    }

    fn finding(&mut self, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::Found(None, evidence) => self.found_nothing(evidence, now),
            Seen::Found(Some((handle, observed)), evidence) => {
                self.found(handle, observed, &evidence, now)
            }
            Seen::Failed(fault, message) => self.again_or(fault, message),
            Seen::Cancel(_)
            | Seen::Evict
            | Seen::Clock
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => Action::Keep,
        }
    }

    fn found_nothing(&mut self, evidence: Evidence, now: Timestamp) -> Action {
        if self.started_at.is_some() {
            return self.lost(evidence.provenance, "the container is gone from its host");
        }
        match self.wish {
            Some(cause) => self.give_up(cause),
            None => self.enter(State::Preparing, now),
        }
    }

    fn found(
        &mut self,
        handle: Handle,
        observed: Observed,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Action {
        match observed {
            Observed::Absent => self.found_nothing(*evidence, now),
            Observed::Created {
                refused: Some(refusal),
            } => self.refused_start(&refusal),
            Observed::Created { refused: None } => match self.wish {
                Some(cause) => self.give_up(cause),
                None => self.enter(State::Starting(handle), now),
            },
            Observed::Running { .. } => self.runs(handle, now),
            Observed::Exited(exit) => {
                let verdict = judge(&exit, self.wish, evidence, &self.terms);
                self.enter(State::Draining(handle, verdict), now)
            }
            Observed::Removing => Action::Again,
        }
    }

    fn runs(&mut self, handle: Handle, now: Timestamp) -> Action {
        self.started_at.get_or_insert(now);
        match self.wish {
            Some(cause) => self.enter(State::Stopping(handle, cause), now),
            None => self.enter(State::Running(handle), now),
        }
    }

    fn refused_start(&mut self, refusal: &Refusal) -> Action {
        self.finish(refused(refusal.fault, &refusal.message))
    }

    /// A transient fault is tried again until a wish or a clock ends it; another is the verdict.
    fn again_or(&mut self, fault: Fault, message: String) -> Action {
        match (fault.is_transient(), self.wish) {
            (true, None) => Action::Again,
            (true, Some(StopCause::Limit(limit @ (Limit::Start | Limit::Pull)))) => {
                let outcome = Outcome::TimedOut(limit);
                self.finish(Verdict::without_run(
                    outcome,
                    Provenance::Call,
                    Some(message),
                ))
            }
            (true, Some(cause)) => self.give_up(cause),
            (false, _) => self.finish(refused(fault, &message)),
        }
    }

    fn preparing(&mut self, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::ImageReady => self.enter(State::Creating, now),
            Seen::Failed(fault, message) => self.again_or(fault, message),
            Seen::Cancel(_) | Seen::Evict | Seen::Clock => match self.wish {
                Some(cause) => self.give_up(cause),
                None => Action::Keep,
            },
            Seen::Found(..)
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => Action::Keep,
        }
    }

    fn creating(&mut self, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::Created(handle) => match self.wish {
                Some(cause) => self.give_up(cause),
                None => self.enter(State::Starting(handle), now),
            },
            Seen::Failed(Fault::ImageNotFound, _)
                if self.wish.is_none() && self.image_losses < IMAGE_LOSSES =>
            {
                self.image_losses += 1;
                self.enter(State::Preparing, now)
            }
            Seen::Failed(fault, message) => self.again_or(fault, message),
            Seen::Cancel(_)
            | Seen::Evict
            | Seen::Clock
            | Seen::Found(..)
            | Seen::ImageReady
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => Action::Keep,
        }
    }

    fn starting(&mut self, handle: Handle, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::Started => self.runs(handle, now),
            // Whether it started is unknown now: look, never start blindly.
            Seen::Failed(fault, _) if fault.is_transient() => {
                self.state = State::Finding;
                Action::Again
            }
            Seen::Failed(fault, message) => self.finish(refused(fault, &message)),
            Seen::Cancel(_)
            | Seen::Evict
            | Seen::Clock
            | Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Looked(..)
            | Seen::Stopped
            | Seen::Drained => Action::Keep,
        }
    }

    fn running(&mut self, handle: Handle, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::Looked(observed, evidence) => self.looked(handle, observed, &evidence, now),
            Seen::Cancel(_) | Seen::Evict | Seen::Clock => match self.wish {
                Some(cause) => self.enter(State::Stopping(handle, cause), now),
                None => Action::Keep,
            },
            // The host does not answer: nothing is known, so nothing is decided.
            Seen::Failed(..) => Action::Again,
            Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Stopped
            | Seen::Drained => Action::Keep,
        }
    }

    fn stopping(&mut self, handle: Handle, seen: Seen, now: Timestamp) -> Action {
        match seen {
            Seen::Stopped => Action::Watch(handle),
            Seen::Looked(Observed::Running { .. }, _) => Action::Stop(handle),
            Seen::Looked(observed, evidence) => self.looked(handle, observed, &evidence, now),
            Seen::Failed(..) => Action::Again,
            Seen::Cancel(_)
            | Seen::Evict
            | Seen::Clock
            | Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Drained => Action::Keep,
        }
    }

    fn looked(
        &mut self,
        handle: Handle,
        observed: Observed,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Action {
        // Only what we asked to stop ends for our cause.
        let cause = match self.state {
            State::Stopping(_, cause) => Some(cause),
            State::Finding
            | State::Preparing
            | State::Creating
            | State::Starting(_)
            | State::Running(_)
            | State::Draining(..)
            | State::Ended(_) => None,
        };
        match observed {
            Observed::Running { .. } => Action::Watch(handle),
            Observed::Exited(exit) => {
                let verdict = judge(&exit, cause, evidence, &self.terms);
                self.enter(State::Draining(handle, verdict), now)
            }
            Observed::Removing => Action::Again,
            Observed::Absent | Observed::Created { .. } => match cause {
                Some(cause) => self.give_up(cause),
                None => self.lost(evidence.provenance, "the container is gone from its host"),
            },
        }
    }

    fn drain(&mut self, verdict: Verdict, seen: &Seen) -> Action {
        match seen {
            Seen::Drained => self.finish(verdict),
            Seen::Failed(..) => Action::Again,
            Seen::Cancel(_)
            | Seen::Evict
            | Seen::Clock
            | Seen::Found(..)
            | Seen::ImageReady
            | Seen::Created(_)
            | Seen::Started
            | Seen::Looked(..)
            | Seen::Stopped => Action::Keep,
        }
    }
}
