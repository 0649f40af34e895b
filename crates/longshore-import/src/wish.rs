//! The spec of an old job. What ours refuses is left out or brought into bounds, and told; only a job
//! without an image is none.

use std::collections::BTreeMap;

use longshore_core::spec::policy::Policy;
use longshore_core::spec::{
    ByteSize, Command, EnvText, ImageReference, JobSpec, LabelKey, Priority, RetryPolicy,
    TimeLimit, TimeLimits,
};

use crate::hosts::DOCKER;
use crate::old::OldJob;
use crate::remarks::Remarks;
use crate::{environment, networks};

/// Key of the label with the one who created the job.
const CREATOR: &str = "created_by";
/// Key of the label that every host has without being given it.
const KIND: &str = "kind";

/// What the wish depends on, beside the job itself.
pub(crate) struct Around<'a> {
    /// Name of its host.
    pub(crate) host: &'a str,
    /// Its environment template, if it has one.
    pub(crate) template: Option<&'a EnvText>,
    /// What this pool allows.
    pub(crate) policy: &'a Policy,
}

/// What the job wishes, in our words and with all defaults applied; or why it is no job of ours.
pub(crate) fn translate(
    job: &OldJob,
    around: &Around<'_>,
    remarks: &mut Remarks,
) -> Result<JobSpec, String> {
    let image = image(job)?;
    let mut spec = JobSpec {
        name: remarks.parsed("name", job.name.as_deref()),
        description: job.description.clone(),
        command: command(job, remarks),
        workdir: job.working_directory.clone(),
        memory: memory(job, remarks),
        cpus: remarks.parsed("cpu_limit", cpus(job).as_deref()),
        networks: networks::translate(job.network_configuration.as_deref(), remarks),
        labels: labels(job),
        priority: priority(job, remarks),
        on: preference(job, remarks),
        host: Some(around.host.to_owned()),
        timeouts: timeouts(job, remarks),
        retry: retry(job, remarks),
        ..JobSpec::new(image)
    };
    let own = environment::readable(&job.override_environment, "override_environment", remarks);
    let own = environment::variables(&own);
    spec.resolve_environment(around.template, std::slice::from_ref(&own));
    fit(&mut spec, around.policy, remarks)?;
    around.policy.apply_defaults(&mut spec);
    Ok(spec)
}

fn image(job: &OldJob) -> Result<ImageReference, String> {
    let text = job.docker_image.trim();
    if text.is_empty() {
        return Err("it has no image".to_owned());
    }
    text.parse()
        .map_err(|error| format!("it has no image that can be used: {error}"))
}

/// What cannot be split stays whole, so that nothing else than what was wished is ever run.
fn command(job: &OldJob, remarks: &mut Remarks) -> Command {
    let Some(text) = &job.command else {
        return Command::default();
    };
    text.parse().unwrap_or_else(|error| {
        remarks.add(format!("the command became one argument: {error}"));
        Command::from(vec![text.clone()])
    })
}

fn memory(job: &OldJob, remarks: &mut Remarks) -> Option<ByteSize> {
    let mebibytes = u32::try_from(job.memory_limit?);
    if mebibytes.is_err() {
        remarks.left_out("memory_limit", "it is beyond all bounds");
    }
    mebibytes.ok().map(ByteSize::from_mebibytes)
}

/// As a decimal text; ours keeps billionths.
fn cpus(job: &OldJob) -> Option<String> {
    job.cpu_limit.map(|cpus| format!("{cpus:.9}"))
}

fn labels(job: &OldJob) -> BTreeMap<LabelKey, String> {
    let key = || CREATOR.parse().expect("it is a key like any other");
    job.creator.iter().map(|who| (key(), who.clone())).collect()
}

/// The old system chose the host by the preference if it could, and by chance if not. Every host that
/// is taken is of one kind: a preference for another one did not hold.
fn preference(job: &OldJob, remarks: &mut Remarks) -> BTreeMap<LabelKey, String> {
    let key = || KIND.parse().expect("it is a key like any other");
    match job.preferred_executor.as_deref() {
        None => BTreeMap::new(),
        Some(DOCKER) => BTreeMap::from([(key(), DOCKER.to_owned())]),
        Some(other) => {
            let why = format!("`{other}` was preferred, but its host is of kind {DOCKER}");
            remarks.left_out("preferred_executor", why);
            BTreeMap::new()
        }
    }
}

fn priority(job: &OldJob, remarks: &mut Remarks) -> Priority {
    let Some(wanted) = job.queue.priority else {
        return Priority::default();
    };
    let within = wanted.clamp(0, 100);
    if within != wanted {
        remarks.add(format!("priority {wanted} became {within}"));
    }
    within
        .to_string()
        .parse()
        .expect("it was brought into bounds")
}

fn timeouts(job: &OldJob, remarks: &mut Remarks) -> TimeLimits {
    let wanted = job.timeout_seconds;
    let run = TimeLimit::from_secs(u64::try_from(wanted).unwrap_or(0));
    let seconds = run.duration().as_secs();
    if i64::try_from(seconds) != Ok(wanted) {
        remarks.add(format!("timeout_seconds {wanted} became {seconds}"));
    }
    TimeLimits {
        run: Some(run),
        ..TimeLimits::default()
    }
}

/// The old system tried launches again, never what had run; `max_retries` counted the first one, too.
fn retry(job: &OldJob, remarks: &mut Remarks) -> RetryPolicy {
    let unless_said = RetryPolicy::default();
    let strategy = remarks.parsed("retry_strategy", job.queue.retry_strategy.as_deref());
    let infra_retries = job.queue.max_retries.map(|most| {
        let further = most.saturating_sub(1).clamp(0, RetryPolicy::MOST.into());
        u32::try_from(further).unwrap_or(RetryPolicy::MOST)
    });
    RetryPolicy {
        strategy: strategy.unwrap_or_default(),
        infra_retries: infra_retries.unwrap_or(unless_said.infra_retries),
        ..unless_said
    }
}

/// Takes out what the pool refuses, until it takes the rest.
fn fit(spec: &mut JobSpec, policy: &Policy, remarks: &mut Remarks) -> Result<(), String> {
    while let Err(errors) = spec.validate(policy) {
        let before = spec.clone();
        for error in errors.iter() {
            take_out(spec, &error.field, policy);
            remarks.left_out(&error.field, &error.problem);
        }
        if *spec == before {
            return Err(format!("this pool does not take it: {errors}"));
        }
    }
    Ok(())
}

fn take_out(spec: &mut JobSpec, field: &str, policy: &Policy) {
    match field {
        "memory" => spec.memory = None,
        "networks" => spec.networks.clear(),
        "workdir" => spec.workdir = None,
        "description" => spec.description = None,
        "labels" => spec.labels.clear(),
        "env" => take_out_variables(spec, policy),
        // Together with the environment it may be too long, or the environment alone is.
        "command" if spec.command.is_empty() => spec.env.clear(),
        "command" => spec.command = Command::default(),
        _ => {}
    }
}

/// Keeps the variables that would be taken alone.
fn take_out_variables(spec: &mut JobSpec, policy: &Policy) {
    let image = spec.image.clone();
    spec.env.retain(|name, value| {
        let mut alone = JobSpec::new(image.clone());
        alone.env.insert(name.clone(), value.clone());
        alone.validate(policy).is_ok()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::Queue;
    use crate::old::samples::job;

    fn translated(job: &OldJob) -> (JobSpec, Vec<String>) {
        let policy = Policy::default();
        let around = Around {
            host: "one",
            template: None,
            policy: &policy,
        };
        let mut remarks = Remarks::default();
        let spec = translate(job, &around, &mut remarks).unwrap();
        spec.validate(&policy).unwrap();
        (spec, remarks.into_iter().collect())
    }

    fn with_environment(text: String) -> OldJob {
        OldJob {
            override_environment: text,
            command: Some("run".into()),
            ..job()
        }
    }

    #[test]
    fn a_job_without_wishes_has_the_limits_of_the_pool() {
        let (spec, remarks) = translated(&job());
        assert_eq!(spec.host.as_deref(), Some("one"));
        assert_eq!(spec.memory, Some(Policy::default().default_memory));
        assert_eq!(remarks, [""; 0]);
    }

    #[test]
    fn a_preferred_executor_is_a_wish_for_hosts_of_that_kind() {
        let preferring = |kind: &str| {
            translated(&OldJob {
                preferred_executor: Some(kind.into()),
                ..job()
            })
        };
        let (spec, remarks) = preferring("docker");
        let on: Vec<String> = spec
            .on
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!((on.concat().as_str(), remarks.len()), ("kind=docker", 0));
        let (spec, remarks) = preferring("fargate");
        assert_eq!((spec.on.len(), spec.host.as_deref()), (0, Some("one")));
        assert!(
            remarks[0].contains("`fargate` was preferred"),
            "{remarks:?}"
        );
    }

    #[test]
    fn a_variable_that_no_program_can_receive_is_left_out_alone() {
        let long = "x".repeat(128 * 1024);
        let (spec, remarks) = translated(&with_environment(format!("A=1\nB={long}")));
        assert_eq!((spec.env.len(), remarks.len()), (1, 1));
        assert_eq!(spec.command.argv(), ["run"]);
    }

    #[test]
    fn an_environment_that_is_too_long_as_a_whole_is_left_out() {
        let value = "x".repeat(100_000);
        let lines: Vec<String> = (0..20).map(|number| format!("A{number}={value}")).collect();
        let (spec, remarks) = translated(&with_environment(lines.join("\n")));
        assert!(spec.env.is_empty());
        assert_eq!(remarks.len(), 2);
    }

    #[test]
    fn a_description_beyond_our_bounds_is_left_out() {
        let (spec, remarks) = translated(&OldJob {
            description: Some("x".repeat(20_000)),
            ..job()
        });
        assert_eq!((spec.description, remarks.len()), (None, 1));
    }

    #[test]
    fn numbers_beyond_all_bounds_are_told() {
        let (spec, remarks) = translated(&OldJob {
            memory_limit: Some(i64::MAX),
            cpu_limit: Some(f64::NAN),
            timeout_seconds: i64::MAX,
            ..job()
        });
        let run = spec.timeouts.run.map(TimeLimit::duration);
        assert_eq!(run, Some(TimeLimit::MOST));
        assert_eq!(remarks.len(), 3);
    }

    #[test]
    fn a_third_of_a_cpu_stays_one() {
        let (spec, remarks) = translated(&OldJob {
            cpu_limit: Some(1.0 / 3.0),
            ..job()
        });
        assert_eq!(
            spec.cpus.map(|cpus| cpus.to_string()).as_deref(),
            Some("0.333333333")
        );
        assert_eq!(remarks, [""; 0]);
    }

    #[test]
    fn the_first_launch_is_no_retry() {
        for (max_retries, wanted) in [(0, 0), (1, 0), (3, 2), (1000, 100)] {
            let queue = Queue {
                max_retries: Some(max_retries),
                ..Queue::default()
            };
            let (spec, _) = translated(&OldJob { queue, ..job() });
            let retry = spec.retry;
            assert_eq!(
                (retry.retries, retry.infra_retries),
                (0, wanted),
                "{max_retries}"
            );
        }
    }
}
