//! What `--json` prints. Keys never change their meaning while [`SCHEMA`] stays.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_core::array::ArrayPlace;
use longshore_core::dependency::{Standing, Upstream};
use longshore_core::event::JobEvent;
use longshore_core::host::Host;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::container_name;
use longshore_core::outcome::Verdict;
use longshore_core::spec::JobSpec;
use longshore_core::usage::Usage;
use longshore_core::{HostId, JobId};
use longshore_store::Firing;
use longshore_store::Wait;
use serde::Serialize;

/// Version of everything that `--json` prints.
pub(crate) const SCHEMA: u32 = 1;

/// Names of hosts by id; one that was removed is known by its short id.
pub(crate) struct HostNames(BTreeMap<HostId, String>);

impl HostNames {
    pub(crate) fn new(hosts: &[Host]) -> Self {
        Self(
            hosts
                .iter()
                .map(|host| (host.id, host.name.clone()))
                .collect(),
        )
    }

    pub(crate) fn name(&self, id: HostId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.short())
    }
}

/// A job in a list.
#[derive(Debug, Serialize)]
pub(crate) struct JobView {
    schema: u32,
    id: JobId,
    short_id: String,
    name: Option<String>,
    image: String,
    image_digest: Option<String>,
    driver: &'static str,
    status: &'static str,
    reason: Option<String>,
    exit_code: Option<i32>,
    message: Option<String>,
    attempt: u32,
    retries_used: u32,
    infra_retries_used: u32,
    host: Option<String>,
    priority: u8,
    owner: Option<String>,
    queue: String,
    limits: BTreeMap<String, u32>,
    array: Option<ArrayPlace>,
    labels: BTreeMap<String, String>,
    created_at: Timestamp,
    queued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    cancel_requested_at: Option<Timestamp>,
    /// Since when the host of its attempt does not answer.
    unknown_since: Option<Timestamp>,
}

impl JobView {
    pub(crate) fn new(job: &Job, hosts: &HostNames) -> Self {
        let spec = &job.spec;
        Self {
            schema: SCHEMA,
            id: job.id,
            short_id: job.id.short(),
            name: spec.name.as_ref().map(ToString::to_string),
            image: spec.image.to_string(),
            image_digest: job.image_digest.clone(),
            driver: job.driver.word(),
            status: job.status.word(),
            reason: reason(job),
            exit_code: job.exit_code,
            message: job.message.clone(),
            attempt: job.attempt,
            retries_used: job.retries_used,
            infra_retries_used: job.infra_retries_used,
            host: job.host.map(|host| hosts.name(host)),
            priority: spec.priority.get(),
            owner: spec.owner.as_ref().map(ToString::to_string),
            queue: spec.queue.to_string(),
            limits: spec
                .limits
                .iter()
                .map(|(key, most)| (key.to_string(), most.get()))
                .collect(),
            array: job.array,
            labels: spec
                .labels
                .iter()
                .map(|(key, value)| (key.to_string(), value.clone()))
                .collect(),
            created_at: job.created_at,
            queued_at: job.queued_at,
            not_before: job.not_before,
            started_at: job.started_at,
            finished_at: job.finished_at,
            cancel_requested_at: job.cancel_requested_at,
            unknown_since: None,
        }
    }

    /// The same, with its host silent since then, if it is.
    pub(crate) fn unknown(self, unknown_since: Option<Timestamp>) -> Self {
        Self {
            unknown_since,
            ..self
        }
    }
}

/// The typed reason of a final job, as text; none for a completed one.
pub(crate) fn reason(job: &Job) -> Option<String> {
    job.outcome
        .map(|outcome| outcome.to_string())
        .filter(|reason| !reason.is_empty())
}

/// A job with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct InspectView {
    #[serde(flatten)]
    job: JobView,
    spec: JobSpec,
    waits: Vec<WaitView>,
    schedule: Option<ScheduledView>,
    attempts: Vec<AttemptView>,
}

/// Which schedule made the job, and for which time.
#[derive(Debug, Serialize)]
struct ScheduledView {
    name: String,
    nominal_at: Timestamp,
}

impl InspectView {
    pub(crate) fn new(
        job: &Job,
        waits: &[Wait],
        attempts: &[AttemptRecord],
        hosts: &HostNames,
    ) -> Self {
        Self {
            job: JobView::new(job, hosts)
                .unknown(attempts.last().and_then(|attempt| attempt.unknown_since)),
            spec: job.spec.redacted(),
            waits: waits.iter().map(WaitView::from).collect(),
            schedule: None,
            attempts: attempts
                .iter()
                .map(|attempt| AttemptView::new(attempt, hosts))
                .collect(),
        }
    }

    /// The same, made by a schedule, if it was.
    pub(crate) fn made_by(self, firing: Option<Firing>) -> Self {
        let schedule = firing.map(|firing| ScheduledView {
            name: firing.schedule.to_string(),
            nominal_at: firing.nominal_at,
        });
        Self { schedule, ..self }
    }
}

/// Who is waited for, and whether that is over.
#[derive(Debug, Serialize)]
struct WaitView {
    #[serde(flatten)]
    upstream: Upstream,
    condition: &'static str,
    standing: &'static str,
    met_at: Option<Timestamp>,
}

impl From<&Wait> for WaitView {
    fn from(wait: &Wait) -> Self {
        Self {
            upstream: wait.waited.dependency.upstream,
            condition: wait.waited.dependency.condition.word(),
            standing: match wait.standing {
                Standing::Open => "open",
                Standing::Met => "met",
                Standing::Broken => "broken",
            },
            met_at: wait.waited.met_at,
        }
    }
}

#[derive(Debug, Serialize)]
struct AttemptView {
    id: String,
    number: u32,
    host: String,
    phase: &'static str,
    container_name: String,
    container: Option<String>,
    worker: Option<String>,
    claimed_at: Timestamp,
    image_ready_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    log_complete_at: Option<Timestamp>,
    removed_at: Option<Timestamp>,
    unknown_since: Option<Timestamp>,
    durations_secs: PhaseDurations,
    verdict: Option<VerdictView>,
    usage: Option<Usage>,
    /// Its memory limit; none where a caller drives its job.
    memory_bytes: Option<u64>,
}

impl AttemptView {
    fn new(attempt: &AttemptRecord, hosts: &HostNames) -> Self {
        Self {
            id: attempt.id.to_string(),
            number: attempt.number,
            host: hosts.name(attempt.host),
            phase: attempt.phase.word(),
            container_name: container_name(attempt.id),
            container: attempt.handle.as_ref().map(|handle| handle.content.clone()),
            worker: attempt.lease.map(|lease| lease.worker.to_string()),
            claimed_at: attempt.claimed_at,
            image_ready_at: attempt.image_ready_at,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            log_complete_at: attempt.log_complete_at,
            removed_at: attempt.removed_at,
            unknown_since: attempt.unknown_since,
            durations_secs: PhaseDurations::new(attempt),
            verdict: attempt.verdict.as_ref().map(VerdictView::new),
            usage: attempt.usage.clone(),
            memory_bytes: Some(attempt.given.memory_bytes).filter(|bytes| *bytes > 0),
        }
    }
}

/// How long each phase took, where both of its ends are known.
#[derive(Debug, Serialize)]
struct PhaseDurations {
    image: Option<f64>,
    start: Option<f64>,
    run: Option<f64>,
    drain: Option<f64>,
    removal: Option<f64>,
}

impl PhaseDurations {
    fn new(attempt: &AttemptRecord) -> Self {
        Self {
            image: seconds(Some(attempt.claimed_at), attempt.image_ready_at),
            start: seconds(attempt.image_ready_at, attempt.started_at),
            run: seconds(attempt.started_at, attempt.ended_at),
            drain: seconds(attempt.ended_at, attempt.log_complete_at),
            removal: seconds(attempt.log_complete_at, attempt.removed_at),
        }
    }
}

fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    Some(to?.duration_since(from?).as_secs_f64())
}

#[derive(Debug, Serialize)]
struct VerdictView {
    status: &'static str,
    reason: Option<String>,
    exit_code: Option<i32>,
    oom_killed: bool,
    provenance: &'static str,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    message: Option<String>,
}

impl VerdictView {
    fn new(verdict: &Verdict) -> Self {
        let reason = verdict.outcome.to_string();
        Self {
            status: verdict.outcome.status().word(),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            exit_code: verdict.exit_code,
            oom_killed: verdict.oom_killed,
            provenance: verdict.provenance.word(),
            started_at: verdict.started_at,
            finished_at: verdict.finished_at,
            message: verdict.message.clone(),
        }
    }
}

/// One line of a timeline.
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    schema: u32,
    sequence: i64,
    job: JobId,
    attempt: Option<u32>,
    at: Timestamp,
    kind: &'static str,
    detail: &'a str,
}

impl<'a> EventView<'a> {
    pub(crate) fn new(event: &'a JobEvent) -> Self {
        Self {
            schema: SCHEMA,
            sequence: event.sequence,
            job: event.job,
            attempt: event.attempt,
            at: event.at,
            kind: event.kind.word(),
            detail: &event.detail,
        }
    }
}

/// Any view as one line.
pub(crate) fn line(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("views have text keys only")
}

/// Any view over many lines.
pub(crate) fn pretty(view: &impl Serialize) -> String {
    serde_json::to_string_pretty(view).expect("views have text keys only")
}
