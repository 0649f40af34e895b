//! Whether another attempt follows, on which budget, and when.

use std::time::Duration;

use crate::fault::Blame;
use crate::outcome::{FailReason, Limit, Outcome, Provenance, Verdict};
use crate::spec::{ByteSize, JobSpec, LostPolicy, RetryPolicy, RetryReason};

/// Which budget a retry is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// The job's own failures.
    Job,
    /// Failures of host, registry or longshore.
    Infrastructure,
    /// None: an operator wished it, however often.
    Free,
}

/// Retries that were used before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// From the job's own budget.
    pub job: u32,
    /// From the infrastructure budget.
    pub infrastructure: u32,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the outcome is the job's.
    Final,
    /// Another attempt, after this pause.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Which budget pays.
        budget: Budget,
        /// The memory of that attempt and those after it, if it is to have more.
        memory: Option<ByteSize>,
    },
}

/// Says what follows an attempt with this verdict: what the lost-policy gives up it may also give
/// back to nobody.
pub fn after(verdict: &Verdict, spec: &JobSpec, used: Used, jitter: f64) -> Next {
    let is_lost = verdict.outcome == Outcome::Failed(FailReason::Lost);
    let is_given_up = is_lost && verdict.provenance == Provenance::Decision;
    match spec.lost {
        LostPolicy::Fail(_) if is_given_up => Next::Final,
        LostPolicy::Wait | LostPolicy::Fail(_) | LostPolicy::Replace(_) => {
            next(verdict.outcome, spec, used, jitter)
        }
    }
}

/// Says what follows an attempt that ended so. `jitter` is a random number in `0.0..1.0`.
fn next(outcome: Outcome, spec: &JobSpec, used: Used, jitter: f64) -> Next {
    let policy = &spec.retry;
    let Some(budget) = budget(outcome, policy).filter(|budget| is_wanted(outcome, policy, *budget))
    else {
        return Next::Final;
    };
    let (used, granted) = match budget {
        Budget::Job => (used.job, policy.retries),
        Budget::Infrastructure => (used.infrastructure, policy.infra_retries),
        Budget::Free => {
            return Next::Retry {
                after: Duration::ZERO,
                budget,
                memory: None,
            };
        }
    };
    if used >= granted {
        return Next::Final;
    }
    Next::Retry {
        after: pause(policy, used, jitter),
        budget,
        memory: raised(outcome, spec),
    }
}

/// Twice the memory for a job that ran out of it, as far as its policy goes.
fn raised(outcome: Outcome, spec: &JobSpec) -> Option<ByteSize> {
    if outcome != Outcome::Failed(FailReason::Oom) {
        return None;
    }
    let (memory, most) = (spec.memory?, spec.retry.oom_up_to?);
    let doubled = ByteSize::from_bytes(memory.bytes().saturating_mul(2));
    Some(doubled.min(most)).filter(|raised| *raised > memory)
}

/// Whether the policy's reasons let another attempt follow.
fn is_wanted(outcome: Outcome, policy: &RetryPolicy, budget: Budget) -> bool {
    let is_among = |reasons: &[RetryReason]| reasons.iter().any(|reason| reason.covers(outcome));
    let is_free = match budget {
        Budget::Job => policy.retry_on.is_empty(),
        Budget::Infrastructure | Budget::Free => true,
    };
    (is_free || is_among(&policy.retry_on)) && !is_among(&policy.never_retry_on)
}

/// The budget that a failure draws on; `None` when another try cannot help.
fn budget(outcome: Outcome, policy: &RetryPolicy) -> Option<Budget> {
    let reason = match outcome {
        Outcome::Completed
        | Outcome::Cancelled(_)
        | Outcome::TimedOut(Limit::Queue | Limit::Total) => return None,
        Outcome::TimedOut(Limit::Run) => return Some(Budget::Job),
        Outcome::TimedOut(Limit::Pull | Limit::Start) => return Some(Budget::Infrastructure),
        Outcome::Failed(reason) => reason,
    };
    match reason {
        FailReason::Exit(code) => {
            let wanted = policy.retry_on_exit.is_empty() || policy.retry_on_exit.contains(&code);
            wanted.then_some(Budget::Job)
        }
        FailReason::Signal(_) | FailReason::Oom => Some(Budget::Job),
        FailReason::ImageNotFound
        | FailReason::ImageDenied
        | FailReason::Start(_)
        | FailReason::Rejected
        | FailReason::Dependency => None,
        FailReason::Evicted => Some(Budget::Free),
        FailReason::ImagePull | FailReason::Lost => {
            debug_assert_eq!(outcome.blame(), Some(Blame::Infrastructure));
            Some(Budget::Infrastructure)
        }
    }
}

/// Exponential with a cap and full jitter, so that many jobs do not come back at one moment.
fn pause(policy: &RetryPolicy, used: u32, jitter: f64) -> Duration {
    let base = policy.strategy.base();
    let factor = 2u32.saturating_pow(used.min(30));
    let full = base.saturating_mul(factor).min(policy.strategy.cap());
    full.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
