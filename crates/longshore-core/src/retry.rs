//! Whether another attempt follows, on which budget, and when.

use std::time::Duration;

use crate::fault::Blame;
use crate::outcome::{FailReason, Limit, Outcome, Provenance, Verdict};
use crate::spec::{JobSpec, LostPolicy, RetryPolicy};

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
            next(verdict.outcome, &spec.retry, used, jitter)
        }
    }
}

/// Says what follows an attempt that ended so. `jitter` is a random number in `0.0..1.0`.
pub fn next(outcome: Outcome, policy: &RetryPolicy, used: Used, jitter: f64) -> Next {
    let Some(budget) = budget(outcome, policy) else {
        return Next::Final;
    };
    let (used, granted) = match budget {
        Budget::Job => (used.job, policy.retries),
        Budget::Infrastructure => (used.infrastructure, policy.infra_retries),
        Budget::Free => {
            let after = Duration::ZERO;
            return Next::Retry { after, budget };
        }
    };
    if used >= granted {
        return Next::Final;
    }
    Next::Retry {
        after: pause(policy, used, jitter),
        budget,
    }
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
mod tests {
    use super::*;
    use crate::outcome::CancelReason;

    fn policy(retries: u32, infra_retries: u32) -> RetryPolicy {
        RetryPolicy {
            retries,
            infra_retries,
            ..RetryPolicy::default()
        }
    }

    fn is_retried(outcome: Outcome, policy: &RetryPolicy, used: Used) -> Option<Budget> {
        match next(outcome, policy, used, 1.0) {
            Next::Final => None,
            Next::Retry { budget, .. } => Some(budget),
        }
    }

    #[test]
    fn each_fault_draws_on_its_own_budget() {
        let policy = policy(1, 1);
        let exit = Outcome::Failed(FailReason::Exit(1));
        let lost = Outcome::Failed(FailReason::Lost);
        let spent = Used {
            job: 1,
            infrastructure: 0,
        };
        assert_eq!(
            is_retried(exit, &policy, Used::default()),
            Some(Budget::Job)
        );
        assert_eq!(is_retried(exit, &policy, spent), None);
        assert_eq!(
            is_retried(lost, &policy, spent),
            Some(Budget::Infrastructure)
        );
    }

    #[test]
    fn an_evicted_attempt_is_tried_again_at_once_however_little_is_left() {
        let evicted = Outcome::Failed(FailReason::Evicted);
        let next = next(evicted, &policy(0, 0), Used::default(), 1.0);
        let (after, budget) = (Duration::ZERO, Budget::Free);
        assert_eq!(next, Next::Retry { after, budget });
    }

    #[test]
    fn what_was_given_up_for_a_silent_host_is_tried_again_only_to_replace_it() {
        let lost = Outcome::Failed(FailReason::Lost);
        let mut spec = JobSpec::new("demo:1".parse().unwrap());
        let mut next_of = |policy: &str, provenance| {
            spec.lost = policy.parse().unwrap();
            let verdict = Verdict::without_run(lost, provenance, None);
            after(&verdict, &spec, Used::default(), 1.0)
        };
        let is_final = |next| next == Next::Final;
        assert!(is_final(next_of("fail", Provenance::Decision)));
        assert!(!is_final(next_of("replace", Provenance::Decision)));
        // Its container is gone: another cannot run beside it.
        assert!(!is_final(next_of("fail", Provenance::Inspect)));
    }

    #[test]
    fn what_cannot_get_better_is_final() {
        let policy = policy(9, 9);
        let hopeless = [
            Outcome::Completed,
            Outcome::Cancelled(CancelReason::User),
            Outcome::TimedOut(Limit::Queue),
            Outcome::TimedOut(Limit::Total),
            Outcome::Failed(FailReason::ImageNotFound),
            Outcome::Failed(FailReason::ImageDenied),
            Outcome::Failed(FailReason::Rejected),
            Outcome::Failed(FailReason::Start(127)),
        ];
        for outcome in hopeless {
            assert_eq!(
                is_retried(outcome, &policy, Used::default()),
                None,
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn only_the_named_exit_codes_are_retried() {
        let policy = RetryPolicy {
            retry_on_exit: vec![75],
            ..policy(3, 0)
        };
        let code = |code| Outcome::Failed(FailReason::Exit(code));
        assert_eq!(
            is_retried(code(75), &policy, Used::default()),
            Some(Budget::Job)
        );
        assert_eq!(is_retried(code(1), &policy, Used::default()), None);
    }

    #[test]
    fn the_pause_doubles_up_to_the_cap_and_jitter_shortens_it() {
        let policy = policy(50, 0);
        let exit = Outcome::Failed(FailReason::Exit(1));
        let after = |job, jitter| match next(
            exit,
            &policy,
            Used {
                job,
                infrastructure: 0,
            },
            jitter,
        ) {
            Next::Retry { after, .. } => after,
            Next::Final => panic!("final"),
        };
        assert_eq!(after(1, 1.0), after(0, 1.0) * 2);
        assert_eq!(after(40, 1.0), policy.strategy.cap());
        assert_eq!(after(3, 0.0), Duration::ZERO);
    }
}
