//! What every call to the mock goes through: counting, latency, mischief, the link, the deadline.

use std::time::Duration;

use jiff::Timestamp;
use longshore_core::fault::Fault;

use super::MockExecutor;
use super::knobs::{Call, Mischief};
use super::world::World;
use crate::ExecutorError;

impl MockExecutor {
    /// Makes a call that has its effect at one moment and returns.
    pub(super) async fn call<T: Send>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut World, Timestamp) -> Result<T, ExecutorError> + Send,
    ) -> Result<T, ExecutorError> {
        self.within(call.deadline(), call, self.disturbed(call, effect))
            .await
    }

    /// Breaks off when the link breaks or the deadline passes.
    pub(super) async fn within<T: Send>(
        &self,
        deadline: Option<Duration>,
        call: Call,
        work: impl Future<Output = Result<T, ExecutorError>> + Send,
    ) -> Result<T, ExecutorError> {
        if !self.host.link.borrow().is_up {
            return Err(unreachable(call));
        }
        let until = deadline.and_then(|deadline| self.now().checked_add(deadline).ok());
        tokio::select! {
            biased;
            done = work => done,
            () = self.broken() => Err(unreachable(call)),
            () = self.host.clock.wait_until(until) => Err(timed_out(call)),
        }
    }

    /// Returns when the connections of this moment break.
    pub(super) async fn broken(&self) {
        let mut link = self.host.link.subscribe();
        let breaks = link.borrow().breaks;
        // An error means that the host is dropped, which this borrow rules out.
        let _ = link.wait_for(|link| link.breaks != breaks).await;
    }

    /// The call as the knobs want it to go.
    pub(super) async fn disturbed<T: Send>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut World, Timestamp) -> Result<T, ExecutorError> + Send,
    ) -> Result<T, ExecutorError> {
        let mischief = self.count_and_plan(call);
        let latency = self.tune(|knobs| knobs.latency);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match mischief {
            None => self.look(effect),
            Some(Mischief::Fail(fault)) => Err(disturbed(call, fault)),
            Some(Mischief::LoseReply(fault)) => self.look(effect).and(Err(disturbed(call, fault))),
            Some(Mischief::HangBefore) => {
                self.released(call).await;
                self.look(effect)
            }
            Some(Mischief::HangAfter) => {
                let result = self.look(effect);
                self.released(call).await;
                result
            }
        }
    }

    fn count_and_plan(&self, call: Call) -> Option<Mischief> {
        let mut calls = self.calls();
        *calls.made.entry(call).or_default() += 1;
        calls.planned.get_mut(&call)?.pop_front()
    }

    /// Returns at the next release of hung calls of this kind.
    async fn released(&self, call: Call) {
        let mut releases = self.host.releases.subscribe();
        let before = releases.borrow().get(&call).copied();
        // An error means that the host is dropped, which this borrow rules out.
        let _ = releases
            .wait_for(|releases| releases.get(&call).copied() != before)
            .await;
    }
}

pub(super) fn unreachable(call: Call) -> ExecutorError {
    disturbed(call, Fault::Unreachable)
}

pub(super) fn timed_out(call: Call) -> ExecutorError {
    disturbed(call, Fault::TimedOut)
}

fn disturbed(call: Call, fault: Fault) -> ExecutorError {
    ExecutorError::new(fault, format!("{call:?}: {}", fault.describe()))
}
