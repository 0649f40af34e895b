//! How far an old job had come, in our words.

use longshore_core::launch::Handle;
use longshore_core::outcome::{
    CancelReason, FailReason, JobStatus, Limit, Outcome, Provenance, Verdict,
};
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, Timestamp};
use longshore_store::{ImportedAttempt, ImportedState};

use crate::old::OldJob;
use crate::remarks::Remarks;

/// Makes the handle of a container from the engine's id of it.
pub(crate) type HandleOf<'a> = &'a (dyn Fn(&str) -> Handle + Send + Sync);

/// Where the job's containers are.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) host: HostId,
    pub(crate) handle_of: HandleOf<'a>,
}

/// The one attempt that an old job has: the old system had one container a job, so it has its id.
pub(crate) fn attempt_of(job: &OldJob) -> AttemptId {
    AttemptId::new(job.id.uuid())
}

/// How far the job had come, or why that cannot be said.
pub(crate) fn translate(
    job: &OldJob,
    place: Place<'_>,
    remarks: &mut Remarks,
) -> Result<ImportedState, String> {
    let status: JobStatus = job.status.parse().map_err(|error| format!("{error}"))?;
    let state = match status {
        JobStatus::Pending | JobStatus::Queued | JobStatus::Retrying => {
            if let Some(container) = container(job) {
                remarks.add(format!(
                    "container {container} of an earlier launch may be there"
                ));
            }
            ImportedState::Pending
        }
        JobStatus::Launching => running(job, place).unwrap_or_else(|| {
            remarks.add("it was being launched: look for its container before you launch it");
            ImportedState::Pending
        }),
        JobStatus::Running => running(job, place).unwrap_or_else(|| {
            remarks.add("it was running, but nobody knows in which container: it is lost");
            over(job, place, Outcome::Failed(FailReason::Lost))
        }),
        JobStatus::Completed => over(job, place, completed(job, remarks)),
        JobStatus::Failed => over(job, place, Outcome::Failed(reason(job))),
        JobStatus::Timeout => over(job, place, Outcome::TimedOut(Limit::Run)),
        JobStatus::Cancelled => over(job, place, Outcome::Cancelled(CancelReason::User)),
    };
    Ok(state)
}

fn running(job: &OldJob, place: Place<'_>) -> Option<ImportedState> {
    Some(ImportedState::Running {
        attempt: attempt_of(job),
        host: place.host,
        handle: (place.handle_of)(container(job)?),
        started_at: began_at(job).unwrap_or(job.updated_at),
    })
}

fn over(job: &OldJob, place: Place<'_>, outcome: Outcome) -> ImportedState {
    let attempt = has_run(job).then(|| Box::new(attempt(job, place, outcome)));
    ImportedState::Final {
        outcome,
        exit_code: job.exit_code,
        attempt,
        finished_at: ended_at(job),
    }
}

fn attempt(job: &OldJob, place: Place<'_>, outcome: Outcome) -> ImportedAttempt {
    let handle = container(job).map(place.handle_of);
    ImportedAttempt {
        id: attempt_of(job),
        host: place.host,
        // The old system kept the id when the container was gone.
        removed: handle.is_none(),
        handle,
        started_at: began_at(job),
        verdict: Verdict {
            exit_code: job.exit_code,
            started_at: job.started_at,
            finished_at: job.completed_at,
            ..Verdict::without_run(outcome, Provenance::Import, job.queue.last_error.clone())
        },
        usage: usage(job),
    }
}

/// An exit code says more than a status that anybody could set.
fn completed(job: &OldJob, remarks: &mut Remarks) -> Outcome {
    match job.exit_code {
        None | Some(0) => Outcome::Completed,
        Some(code) => {
            remarks.add(format!(
                "it stood as completed, but ended with {code}: it failed"
            ));
            Outcome::Failed(FailReason::Exit(code))
        }
    }
}

/// The old system kept a text at best; nothing is made of it.
fn reason(job: &OldJob) -> FailReason {
    match job.exit_code {
        None | Some(0) => FailReason::Lost,
        Some(code) => FailReason::Exit(code),
    }
}

fn has_run(job: &OldJob) -> bool {
    container(job).is_some() || began_at(job).is_some() || job.exit_code.is_some() || job.has_log
}

/// The engine's id of its container; whatever else stands there is none.
fn container(job: &OldJob) -> Option<&str> {
    let id = job.execution_id.as_deref()?;
    id.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(id)
}

fn began_at(job: &OldJob) -> Option<Timestamp> {
    job.started_at.or(job.queue.launched_at)
}

/// Failed launches and cancelled jobs were left without an end.
fn ended_at(job: &OldJob) -> Timestamp {
    let ended = job.completed_at.unwrap_or(job.updated_at);
    began_at(job).map_or(ended, |began| began.max(ended))
}

/// The old system's readings came after the exit: no memory and no CPU mean that it knew nothing.
fn usage(job: &OldJob) -> Option<Usage> {
    let memory = job.max_memory_usage.unwrap_or(0).max(0).unsigned_abs();
    let percent = job.cpu_usage_percent.filter(|percent| percent.is_finite());
    let percent = percent.unwrap_or(0.0).max(0.0);
    (memory > 0 || percent > 0.0).then(|| Usage {
        peak_memory_bytes: memory,
        cpu_mean_percent: percent,
        samples: 1,
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::old::samples::{job, second};

    fn translated(job: &OldJob) -> (ImportedState, usize) {
        let place = Place {
            host: HostId::new(Uuid::from_u128(1)),
            handle_of: &|id| Handle {
                version: 1,
                content: id.to_owned(),
            },
        };
        let mut remarks = Remarks::default();
        let state = translate(job, place, &mut remarks).unwrap();
        (state, remarks.into_iter().count())
    }

    fn in_container(status: &str) -> OldJob {
        OldJob {
            status: status.into(),
            execution_id: Some("c0ffee".into()),
            ..job()
        }
    }

    #[test]
    fn a_job_in_a_container_is_watched_from_when_it_was_last_heard_of() {
        for status in ["launching", "running"] {
            let (state, remarks) = translated(&in_container(status));
            let ImportedState::Running {
                handle, started_at, ..
            } = state
            else {
                panic!("{status}: {state:?}");
            };
            assert_eq!(
                (handle.content.as_str(), started_at),
                ("c0ffee", second(200))
            );
            assert_eq!(remarks, 0);
        }
    }

    #[test]
    fn a_job_that_waits_although_it_has_a_container_is_told() {
        for status in ["pending", "queued", "retrying"] {
            let (state, remarks) = translated(&in_container(status));
            assert_eq!((state, remarks), (ImportedState::Pending, 1), "{status}");
        }
    }

    #[test]
    fn what_is_no_id_of_a_container_is_none() {
        let job = OldJob {
            execution_id: Some("projects/x/jobs/1".into()),
            ..in_container("running")
        };
        let (state, remarks) = translated(&job);
        let ImportedState::Final {
            outcome, attempt, ..
        } = state
        else {
            panic!("{state:?}");
        };
        assert_eq!(outcome, Outcome::Failed(FailReason::Lost));
        assert_eq!((attempt, remarks), (None, 1));
    }

    #[test]
    fn a_job_never_ends_before_it_began() {
        let job = OldJob {
            started_at: Some(second(500)),
            completed_at: Some(second(400)),
            ..in_container("completed")
        };
        let ImportedState::Final { finished_at, .. } = translated(&job).0 else {
            panic!("it is over");
        };
        assert_eq!(finished_at, second(500));
    }

    #[test]
    fn readings_of_nothing_are_no_usage() {
        let table = [
            (None, Some(0.0), false),
            (None, Some(f64::NAN), false),
            (Some(0), None, false),
            (Some(5), None, true),
            (None, Some(1.5), true),
        ];
        for (max_memory_usage, cpu_usage_percent, wanted) in table {
            let read = usage(&OldJob {
                max_memory_usage,
                cpu_usage_percent,
                ..job()
            });
            assert_eq!(
                read.is_some(),
                wanted,
                "{max_memory_usage:?} {cpu_usage_percent:?}"
            );
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_refused() {
        let place = Place {
            host: HostId::new(Uuid::from_u128(1)),
            handle_of: &|_| panic!("nothing is to be found"),
        };
        let error = translate(&in_container("bored"), place, &mut Remarks::default());
        assert_eq!(error.unwrap_err(), "unknown status `bored`");
    }
}
