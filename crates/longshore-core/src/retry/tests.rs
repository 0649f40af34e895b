//! What follows an attempt, as tables.

use super::*;
use crate::outcome::CancelReason;

fn policy(retries: u32, infra_retries: u32) -> RetryPolicy {
    RetryPolicy {
        retries,
        infra_retries,
        ..RetryPolicy::default()
    }
}

fn spec(policy: &RetryPolicy) -> JobSpec {
    JobSpec {
        retry: policy.clone(),
        ..JobSpec::new("demo:1".parse().unwrap())
    }
}

fn is_retried(outcome: Outcome, policy: &RetryPolicy, used: Used) -> Option<Budget> {
    match next(outcome, &spec(policy), used, 1.0) {
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
    let next = next(evicted, &spec(&policy(0, 0)), Used::default(), 1.0);
    let at_once = Next::Retry {
        after: Duration::ZERO,
        budget: Budget::Free,
        memory: None,
    };
    assert_eq!(next, at_once);
}

#[test]
fn what_was_given_up_for_a_silent_host_is_tried_again_only_to_replace_it() {
    let lost = Outcome::Failed(FailReason::Lost);
    let mut spec = spec(&RetryPolicy::default());
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
        &spec(&policy),
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

#[test]
fn an_attempt_that_ran_out_of_memory_is_followed_by_one_with_twice_as_much_up_to_the_most() {
    // memory, the most, how it ended => memory of the next attempt
    let table = [
        "16m 64m oom => 32m",
        "32m 64m oom => 64m",
        "48m 64m oom => 64m",
        "64m 64m oom => as before",
        "none 64m oom => as before",
        "16m none oom => as before",
        "16m 64m exit => as before",
        "16m 64m lost => as before",
        "8191p 9223372036854775807 oom => 9223372036854775807",
    ];
    for row in table {
        let (given, expected) = row.split_once(" => ").unwrap();
        let [memory, most, ended] = given.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        let size = |text: &str| match text {
            "none" => None,
            "8191p" => Some(ByteSize::from_bytes(8191 << 50)),
            text => Some(text.parse::<ByteSize>().unwrap()),
        };
        let outcome = Outcome::Failed(match ended {
            "oom" => FailReason::Oom,
            "lost" => FailReason::Lost,
            _ => FailReason::Exit(1),
        });
        let retry = RetryPolicy {
            oom_up_to: size(most),
            ..policy(1, 1)
        };
        let spec = JobSpec {
            memory: size(memory),
            ..spec(&retry)
        };
        let Next::Retry { memory, .. } = next(outcome, &spec, Used::default(), 1.0) else {
            panic!("{row}");
        };
        let wanted = (expected != "as before").then(|| expected.parse().unwrap());
        assert_eq!(memory, wanted, "{row}");
    }
}

#[test]
fn more_memory_is_paid_for_from_the_jobs_own_budget() {
    let retry = RetryPolicy {
        oom_up_to: Some("1g".parse().unwrap()),
        ..policy(2, 9)
    };
    let oom = Outcome::Failed(FailReason::Oom);
    let used = |job| Used {
        job,
        infrastructure: 0,
    };
    assert_eq!(is_retried(oom, &retry, used(1)), Some(Budget::Job));
    assert_eq!(is_retried(oom, &retry, used(2)), None);
}

#[test]
fn reasons_narrow_what_is_tried_again_and_rule_out_the_rest() {
    // retry_on, never_retry_on, how it ended => which budget pays
    let table = [
        "oom,75 - oom => job",
        "oom,75 - exit(75) => job",
        "oom,75 - exit(1) => final",
        "oom - signal(9) => final",
        "run - run => job",
        "oom - run => final",
        // Not the job's fault: its budget is another one.
        "oom - lost => infra",
        "oom - image_pull => infra",
        "oom - pull => infra",
        "- exit(3) exit(3) => final",
        "- exit(3) exit(4) => job",
        "- lost lost => final",
        "- pull pull => final",
        "- signal signal(11) => final",
        "exit exit(3) exit(3) => final",
        "exit exit(3) exit(4) => job",
    ];
    let reasons = |text: &str| -> Vec<RetryReason> {
        let texts = text.split(',').filter(|text| *text != "-");
        texts.map(|text| text.parse().unwrap()).collect()
    };
    for row in table {
        let (given, expected) = row.split_once(" => ").unwrap();
        let [retry_on, never_retry_on, ended] = given.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        let limit = Limit::ALL.into_iter().find(|limit| limit.word() == ended);
        let outcome = match limit {
            Some(limit) => Outcome::TimedOut(limit),
            None => Outcome::Failed(ended.parse().unwrap()),
        };
        let retry = RetryPolicy {
            retry_on: reasons(retry_on),
            never_retry_on: reasons(never_retry_on),
            ..policy(1, 1)
        };
        let budget = match expected {
            "job" => Some(Budget::Job),
            "infra" => Some(Budget::Infrastructure),
            _ => None,
        };
        assert_eq!(
            is_retried(outcome, &retry, Used::default()),
            budget,
            "{row}"
        );
    }
}
