//! Rules for numbers: memory, limits, clocks, retries.

use std::collections::BTreeSet;

use super::Findings;
use crate::spec::policy::Policy;
use crate::spec::{ByteSize, JobSpec, MemorySwap, RetryPolicy, TimeLimit, TimeLimits};

/// Engines refuse less.
const MEMORY_LEAST: ByteSize = ByteSize::from_mebibytes(6);

pub(super) fn check(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    check_memory(spec, policy, findings);
    check_not_zero("shm_size", spec.shm_size, findings);
    check_not_zero("storage_opt.size", spec.storage_opt.size, findings);
    check_not_zero("log_limit", spec.log_limit, findings);
    check_ulimits(spec, findings);
    check_clocks(&spec.timeouts, findings);
    check_retries(&spec.retry, findings);
    check_reasons(&spec.retry, findings);
    check_raise(spec, policy, findings);
}

fn check_memory(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    if let Some(memory) = spec.memory.filter(|memory| *memory < MEMORY_LEAST) {
        let problem = format!("{memory} is less than any engine takes");
        findings.refuse("memory", problem, format!("use at least {MEMORY_LEAST}"));
    }
    let memory = spec.memory.unwrap_or(policy.default_memory);
    let Some(MemorySwap::Size(swap)) = spec.memory_swap else {
        return;
    };
    if swap < memory {
        let problem = format!("{swap} for memory and swap together is less than memory, {memory}");
        let remedy = format!("use at least {memory}, which means no swap");
        findings.refuse("memory_swap", problem, remedy);
    }
}

fn check_not_zero(field: &str, size: Option<ByteSize>, findings: &mut Findings) {
    if size.is_some_and(|size| size.bytes() == 0) {
        findings.refuse(
            field,
            "it is zero",
            "use a size such as 64m, or leave it out",
        );
    }
}

fn check_ulimits(spec: &JobSpec, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for ulimit in spec
        .ulimits
        .iter()
        .filter(|ulimit| !seen.insert(ulimit.name()))
    {
        let problem = format!("{} is named twice", ulimit.name());
        findings.refuse("ulimits", problem, "keep one of the two");
    }
}

/// A limit that can never be reached is a mistake, unless it is only a default.
fn check_clocks(timeouts: &TimeLimits, findings: &mut Findings) {
    let default = TimeLimits::default();
    let run = timeouts.run.filter(|_| timeouts.run != default.run);
    let pull = Some(timeouts.pull).filter(|_| timeouts.pull != default.pull);
    let within_total = [("queue", timeouts.queue), ("pull", pull), ("run", run)];
    for (key, limit) in within_total {
        check_order((key, limit), ("total", timeouts.total), findings);
    }
    let idle = Some(timeouts.pull_idle).filter(|_| timeouts.pull_idle != default.pull_idle);
    check_order(("pull_idle", idle), ("pull", Some(timeouts.pull)), findings);
}

type Clock = (&'static str, Option<TimeLimit>);

fn check_order(inner: Clock, outer: Clock, findings: &mut Findings) {
    let (Some(inner_limit), Some(outer_limit)) = (inner.1, outer.1) else {
        return;
    };
    if outer_limit < inner_limit {
        let (inner, outer) = (inner.0, outer.0);
        let problem = format!("{outer_limit} is less than timeouts.{inner}, {inner_limit}");
        let remedy = format!("use at least {inner_limit}, or a shorter timeouts.{inner}");
        findings.refuse(&format!("timeouts.{outer}"), problem, remedy);
    }
}

fn check_retries(retry: &RetryPolicy, findings: &mut Findings) {
    let budgets = [
        ("retry.retries", retry.retries),
        ("retry.infra_retries", retry.infra_retries),
    ];
    for (field, budget) in budgets
        .into_iter()
        .filter(|(_, budget)| *budget > RetryPolicy::MOST)
    {
        let problem = format!("{budget} is more than {}", RetryPolicy::MOST);
        findings.refuse(field, problem, format!("use 0 to {}", RetryPolicy::MOST));
    }
    for code in retry
        .retry_on_exit
        .iter()
        .filter(|code| !(1..=255).contains(*code))
    {
        let problem = format!("{code} is no exit code of a failure");
        findings.refuse("retry.retry_on_exit", problem, "use codes from 1 to 255");
    }
}

/// What is no failure of the job has a budget of its own, which `retry_on` does not narrow.
fn check_reasons(retry: &RetryPolicy, findings: &mut Findings) {
    for reason in retry.retry_on.iter().filter(|reason| !reason.is_of_job()) {
        let problem = format!("{reason} is no failure of the job");
        let remedy = "it is tried again as often as retry.infra_retries says; leave it out";
        findings.refuse("retry.retry_on", problem, remedy);
    }
}

/// A wish for more memory that can never be granted is a mistake.
fn check_raise(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    let Some(most) = spec.retry.oom_up_to else {
        return;
    };
    let memory = spec.memory.unwrap_or(policy.default_memory);
    if most <= memory {
        let problem = format!("{most} is no more than memory, {memory}");
        findings.refuse("retry.oom_up_to", problem, "use more, or a smaller memory");
    }
    if spec.retry.retries == 0 {
        let problem = "each attempt with more memory takes one of retries, which is 0";
        findings.refuse("retry.oom_up_to", problem, "set retries, such as 5");
    }
}
