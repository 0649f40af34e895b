//! Jobs of another system, taken over with their history.

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::job::Driver;
use longshore_core::outcome::{FailReason, JobStatus, Limit, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::spec::JobSpec;
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId};
use longshore_store::{
    EventFilter, Fenced, Imported, ImportedAttempt, ImportedJob, ImportedState, JobFilter, NewJob,
    Store,
};

use crate::world::{add_host, at, begin_one, end, handle, host, new_job, spec, submit, uuid};

fn imported(state: ImportedState) -> ImportedJob {
    ImportedJob {
        id: JobId::new(uuid()),
        spec: spec(),
        created_at: at(-900),
        queued_at: Some(at(-800)),
        not_before: None,
        state,
        message: Some("as it was".into()),
        retries_used: 2,
    }
}

fn running(host: HostId) -> ImportedState {
    ImportedState::Running {
        attempt: AttemptId::new(uuid()),
        host,
        handle: handle(),
        started_at: at(-700),
    }
}

fn tried(host: HostId) -> ImportedAttempt {
    ImportedAttempt {
        id: AttemptId::new(uuid()),
        host,
        handle: Some(handle()),
        started_at: Some(at(-700)),
        verdict: Verdict {
            outcome: Outcome::Failed(FailReason::Exit(3)),
            exit_code: Some(3),
            oom_killed: false,
            provenance: Provenance::Import,
            started_at: None,
            finished_at: None,
            message: Some("as it was".into()),
        },
        usage: Some(Usage {
            peak_memory_bytes: 7,
            ..Usage::default()
        }),
        removed: true,
    }
}

fn over(outcome: Outcome, attempt: Option<ImportedAttempt>) -> ImportedState {
    let exit_code = attempt.as_ref().and_then(|one| one.verdict.exit_code);
    ImportedState::Final {
        outcome,
        exit_code,
        attempt: attempt.map(Box::new),
        finished_at: at(-600),
    }
}

async fn import(store: &Store, job: &ImportedJob) -> Imported {
    let answers = store.import(std::slice::from_ref(job), at(0)).await;
    answers.unwrap()[0]
}

pub(crate) async fn a_pending_job_waits_for_its_caller_whatever_its_time_was(store: &Store) {
    let due = ImportedJob {
        not_before: Some(at(-1)),
        ..imported(ImportedState::Pending)
    };
    assert_eq!(import(store, &due).await, Imported::Added);
    assert_eq!(store.next_due().await.unwrap(), None);
    let of_engine = NewJob {
        not_before: Some(at(60)),
        ..new_job(spec())
    };
    store.submit(&[of_engine], at(0)).await.unwrap();
    assert_eq!(store.release_due(at(99)).await.unwrap(), 1);
    let job = store.job(due.id).await.unwrap();
    assert_eq!(
        (job.driver, job.status),
        (Driver::Service, JobStatus::Pending)
    );
    assert_eq!((job.created_at, job.queued_at), (at(-900), Some(at(-800))));
    assert_eq!((job.not_before, job.attempt), (Some(at(-1)), 0));
    assert_eq!(
        (job.message.as_deref(), job.retries_used),
        (Some("as it was"), 2)
    );
    let first = begin_one(store, due.id, add_host(store, 1).await).await;
    assert_eq!(first.number, 1);
}

pub(crate) async fn a_running_job_is_its_callers_to_watch_and_to_end(store: &Store) {
    let host = add_host(store, 1).await;
    let job = imported(running(host));
    import(store, &job).await;
    let read = store.job(job.id).await.unwrap();
    assert_eq!((read.status, read.host), (JobStatus::Running, Some(host)));
    assert_eq!((read.started_at, read.attempt), (Some(at(-700)), 1));
    assert!(store.expired(at(99), 9).await.unwrap().is_empty());
    let attempts = store.attempts(job.id).await.unwrap();
    let [record] = &attempts[..] else {
        panic!("one attempt: {attempts:?}")
    };
    assert_eq!(
        (record.phase, record.handle.clone()),
        (Phase::Running, Some(handle()))
    );
    let fenced = Fenced::from(record);
    let last = store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert_eq!(last, JobStatus::Completed);
}

pub(crate) async fn a_job_that_is_over_keeps_how_it_ended(store: &Store) {
    let attempt = tried(add_host(store, 1).await);
    let outcome = attempt.verdict.outcome;
    let job = imported(over(outcome, Some(attempt.clone())));
    import(store, &job).await;
    let read = store.job(job.id).await.unwrap();
    assert_eq!(
        (read.status, read.outcome),
        (JobStatus::Failed, Some(outcome))
    );
    assert_eq!(
        (read.exit_code, read.finished_at),
        (Some(3), Some(at(-600)))
    );
    assert_eq!(
        (read.started_at, read.host),
        (Some(at(-700)), Some(attempt.host))
    );
    let record = store.attempt(attempt.id).await.unwrap();
    assert_eq!(
        (record.driver, record.phase),
        (Driver::Service, Phase::Ended)
    );
    assert_eq!(record.verdict, Some(attempt.verdict));
    assert_eq!(
        (record.usage, record.removed_at),
        (attempt.usage, Some(at(-600)))
    );
}

pub(crate) async fn a_job_that_never_ran_can_be_over_too(store: &Store) {
    let outcome = Outcome::TimedOut(Limit::Queue);
    let job = imported(over(outcome, None));
    import(store, &job).await;
    let read = store.job(job.id).await.unwrap();
    assert_eq!((read.outcome, read.attempt), (Some(outcome), 0));
    assert!(store.attempts(job.id).await.unwrap().is_empty());
    assert!(store.reopen(job.id, at(1)).await.unwrap());
    begin_one(store, job.id, add_host(store, 1).await).await;
}

pub(crate) async fn a_container_that_may_still_be_there_is_left_to_the_clean_up(store: &Store) {
    let attempt = ImportedAttempt {
        removed: false,
        started_at: None,
        ..tried(add_host(store, 1).await)
    };
    let job = imported(over(attempt.verdict.outcome, Some(attempt.clone())));
    import(store, &job).await;
    let left = store.unremoved_of_service(9, None).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].id, left[0].removed_at), (attempt.id, None));
    assert!(store.unremoved(9, None).await.unwrap().is_empty());
}

pub(crate) async fn a_repeated_import_changes_nothing(store: &Store) {
    let host = add_host(store, 1).await;
    let jobs = [imported(running(host)), imported(ImportedState::Pending)];
    let twice = [&jobs[..], &jobs[..1]].concat();
    let answers = store.import(&twice, at(0)).await.unwrap();
    assert_eq!(
        answers,
        [Imported::Added, Imported::Added, Imported::AlreadyThere]
    );
    begin_one(store, jobs[1].id, host).await;
    let events = store.last_event_sequence().await.unwrap();
    let later = imported(ImportedState::Pending);
    let third = [&jobs[..], std::slice::from_ref(&later)].concat();
    let answers = store.import(&third, at(5)).await.unwrap();
    let known = Imported::AlreadyThere;
    assert_eq!(answers, [known, known, Imported::Added]);
    assert_eq!(store.job(jobs[1].id).await.unwrap().attempt, 1);
    assert_eq!(store.last_event_sequence().await.unwrap(), events + 1);
}

pub(crate) async fn a_job_of_ours_is_not_overwritten(store: &Store) {
    let ours = submit(store, spec(), at(0)).await;
    let job = ImportedJob {
        id: ours,
        ..imported(ImportedState::Pending)
    };
    assert_eq!(import(store, &job).await, Imported::AlreadyThere);
    let read = store.job(ours).await.unwrap();
    assert_eq!((read.driver, read.created_at), (Driver::Engine, at(0)));
}

pub(crate) async fn one_host_that_is_not_there_refuses_all(store: &Store) {
    let nowhere = host("nowhere", 1).id;
    let jobs = [imported(ImportedState::Pending), imported(running(nowhere))];
    let error = store.import(&jobs, at(0)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no host `{nowhere}`"));
    assert!(store.jobs(&JobFilter::default()).await.unwrap().is_empty());
}

pub(crate) async fn an_imported_job_is_found_by_its_label_and_says_where_it_came_from(
    store: &Store,
) {
    let labels = [("team".parse().unwrap(), "data".to_owned())].into();
    let attempt = tried(add_host(store, 1).await);
    let job = ImportedJob {
        spec: JobSpec { labels, ..spec() },
        ..imported(over(attempt.verdict.outcome, Some(attempt)))
    };
    import(store, &job).await;
    let filter = JobFilter {
        label: Some(("team".into(), "data".into())),
        ..JobFilter::default()
    };
    let found = store.jobs(&filter).await.unwrap();
    assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
    let filter = EventFilter {
        job: Some(job.id),
        ..EventFilter::default()
    };
    let events = store.events(filter).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].at), (EventKind::Imported, at(0)));
    assert_eq!(events[0].detail, "failed exit(3)");
}

pub(crate) async fn ten_thousand_jobs_of_another_system_are_one_call(store: &Store) {
    let host = add_host(store, 1).await;
    let job = |_| {
        let attempt = tried(host);
        imported(over(attempt.verdict.outcome, Some(attempt)))
    };
    let jobs: Vec<ImportedJob> = (0..10_000).map(job).collect();
    let answers = store.import(&jobs, at(0)).await.unwrap();
    assert_eq!(answers, [Imported::Added; 10_000]);
    assert_eq!(
        store.counts().await.unwrap()[6],
        (JobStatus::Failed, 10_000)
    );
}
