//! Jobs that their caller drives: their life, and that workers leave them alone.

use longshore_core::attempt::Phase;
use longshore_core::job::AttemptRecord;
use longshore_core::outcome::{CancelReason, FailReason, JobStatus, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::spec::{JobSpec, TimeLimit, TimeLimits};
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, HostId, JobId};
use longshore_store::{
    Begun, CancelAnswer, EventFilter, Fenced, NewJob, RetryAnswer, Store, StoreError,
};

use crate::world::{
    add_host, at, begin_one, begun, claim, claimed, driven, end, exit, handle, retry_after, spec,
    submit, submit_driven, uuid, worker,
};

/// A container that could not be made.
fn refused() -> Verdict {
    let outcome = Outcome::Failed(FailReason::ImageNotFound);
    Verdict::without_run(outcome, Provenance::Call, Some("no such image".into()))
}

/// A job whose container its caller has started.
async fn started(store: &Store, spec: JobSpec) -> (JobId, Fenced) {
    let (job, attempt) = begun(store, spec).await;
    let fenced = Fenced::from(&attempt);
    store.created(fenced, &handle(), at(2)).await.unwrap();
    store.launching(fenced, at(3)).await.unwrap();
    store.started(fenced, &handle(), at(4)).await.unwrap();
    (job, fenced)
}

async fn status(store: &Store, job: JobId) -> JobStatus {
    store.job(job).await.unwrap().status
}

async fn words(store: &Store, job: JobId) -> String {
    let filter = EventFilter {
        job: Some(job),
        ..EventFilter::default()
    };
    let events = store.events(filter).await.unwrap();
    let words: Vec<&str> = events.iter().map(|event| event.kind.word()).collect();
    words.join(" ")
}

async fn begin(store: &Store, job: JobId, host: HostId) -> Begun {
    let attempt = AttemptId::new(uuid());
    store.begin(job, attempt, host, at(1)).await.unwrap()
}

pub(crate) async fn a_submitted_job_waits_for_its_caller(store: &Store) {
    let delayed = NewJob {
        not_before: Some(at(60)),
        ..driven(spec())
    };
    for new in [driven(spec()), delayed] {
        store
            .submit(std::slice::from_ref(&new), at(0))
            .await
            .unwrap();
        let job = store.job(new.id).await.unwrap();
        assert_eq!((job.driver, job.status), (new.driver, JobStatus::Pending));
        assert_eq!((job.queued_at, job.not_before), (None, None));
        assert_eq!(words(store, new.id).await, "submitted");
    }
}

pub(crate) async fn a_job_runs_from_begin_to_completion_and_leaves_its_timeline(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    assert_eq!((attempt.number, attempt.fence), (1, 1));
    assert_eq!((attempt.phase, attempt.lease), (Phase::Claimed, None));
    let fenced = Fenced::from(&attempt);
    store.created(fenced, &handle(), at(2)).await.unwrap();
    let read = store.job(job).await.unwrap();
    assert_eq!((read.status, read.attempt), (JobStatus::Pending, 1));
    assert_eq!(read.host, Some(attempt.host));
    store.launching(fenced, at(3)).await.unwrap();
    assert_eq!(status(store, job).await, JobStatus::Launching);
    store.started(fenced, &handle(), at(4)).await.unwrap();
    assert_eq!(status(store, job).await, JobStatus::Running);
    let verdict = exit(0);
    store
        .exited(fenced, &handle(), &verdict, at(5))
        .await
        .unwrap();
    let last = store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert_eq!(last, JobStatus::Completed);
    store.removed(fenced.attempt, at(9)).await.unwrap();
    let timeline = "submitted claimed created launching started exited log_complete \
        attempt_ended finished removed";
    assert_eq!(words(store, job).await, timeline);
}

pub(crate) async fn an_attempt_under_way_is_the_answer_to_whoever_begins_again(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    let elsewhere = add_host(store, 1).await;
    assert_eq!(
        begin(store, job, elsewhere).await,
        Begun::UnderWay(attempt.clone())
    );
    let (running, fenced) = started(store, spec()).await;
    let Begun::UnderWay(found) = begin(store, running, elsewhere).await else {
        panic!("its attempt is under way");
    };
    assert_eq!((found.id, found.phase), (fenced.attempt, Phase::Running));
    assert_eq!(store.attempts(job).await.unwrap(), [attempt]);
}

pub(crate) async fn callers_that_begin_one_job_at_one_time_get_one_attempt(store: &Store) {
    let job = submit_driven(store, spec(), at(0)).await;
    let host = add_host(store, 1).await;
    let begun = futures::future::join_all((0..8).map(|_| begin(store, job, host))).await;
    let record = |begun: &Begun| match begun {
        Begun::New(record) | Begun::UnderWay(record) => record.id,
        Begun::NotPending(_) | Begun::OfEngine => panic!("it is pending"),
    };
    let new = begun.iter().filter(|begun| matches!(begun, Begun::New(_)));
    assert_eq!(new.count(), 1);
    assert!(begun.iter().all(|one| record(one) == record(&begun[0])));
}

pub(crate) async fn only_a_pending_job_of_its_caller_is_begun(store: &Store) {
    let host = add_host(store, 1).await;
    let of_engine = submit(store, spec(), at(0)).await;
    assert_eq!(begin(store, of_engine, host).await, Begun::OfEngine);
    let (job, fenced) = started(store, spec()).await;
    store.end(fenced, end(1, Next::Final)).await.unwrap();
    let last = Begun::NotPending(JobStatus::Failed);
    assert_eq!(begin(store, job, host).await, last);
    let nowhere = HostId::new(uuid());
    let job = submit_driven(store, spec(), at(0)).await;
    let attempt = AttemptId::new(uuid());
    let error = store.begin(job, attempt, nowhere, at(1)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no host `{nowhere}`"));
    let nobody = JobId::new(uuid());
    let error = store.begin(nobody, attempt, host, at(1)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no job `{nobody}`"));
}

pub(crate) async fn said_twice_launching_changes_nothing(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    store.launching(fenced, at(3)).await.unwrap();
    let before = store.last_event_sequence().await.unwrap();
    store.launching(fenced, at(9)).await.unwrap();
    assert_eq!(store.last_event_sequence().await.unwrap(), before);
    assert_eq!(status(store, job).await, JobStatus::Launching);
}

pub(crate) async fn an_abandoned_attempt_leaves_the_job_pending_for_the_next(store: &Store) {
    let (job, first) = begun(store, spec()).await;
    let fenced = Fenced::from(&first);
    store.launching(fenced, at(2)).await.unwrap();
    store.abandon(fenced, &refused(), at(3)).await.unwrap();
    let read = store.job(job).await.unwrap();
    assert_eq!((read.status, read.outcome), (JobStatus::Pending, None));
    assert_eq!(read.message.as_deref(), Some("no such image"));
    let record = store.attempt(first.id).await.unwrap();
    assert_eq!(
        (record.phase, record.verdict),
        (Phase::Ended, Some(refused()))
    );
    assert_eq!(record.log_complete_at, Some(at(3)));
    let second = begin_one(store, job, add_host(store, 1).await).await;
    assert_eq!(second.number, 2);
    let read = store.job(job).await.unwrap();
    assert_eq!((read.attempt, read.message), (2, None));
    let timeline = "submitted claimed launching attempt_ended claimed";
    assert_eq!(words(store, job).await, timeline);
}

pub(crate) async fn a_report_that_does_not_fit_is_stale(store: &Store) {
    let (job, fenced) = started(store, spec()).await;
    let (_, of_engine) = claimed(store, spec()).await;
    let mut reports = Vec::new();
    for fenced in [fenced, Fenced::from(&of_engine)] {
        reports.push(store.launching(fenced, at(5)).await);
        reports.push(store.abandon(fenced, &refused(), at(5)).await);
    }
    reports.push(store.remark((&of_engine).into(), "why").await);
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    reports.push(store.launching(fenced, at(6)).await);
    reports.push(store.abandon(fenced, &refused(), at(6)).await);
    reports.push(store.remark(fenced, "why").await);
    reports.push(store.metered(fenced, &Usage::default()).await);
    for report in &reports {
        assert!(
            matches!(report, Err(StoreError::Stale { .. })),
            "{report:?}"
        );
    }
    assert_eq!(store.stale_reports(), 9);
    assert_eq!(status(store, job).await, JobStatus::Completed);
}

pub(crate) async fn a_job_whose_container_never_started_can_end_all_the_same(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    let done = longshore_store::End {
        verdict: refused(),
        ..end(1, Next::Final)
    };
    let last = store.end((&attempt).into(), done).await.unwrap();
    assert_eq!(last, JobStatus::Failed);
    let read = store.job(job).await.unwrap();
    assert_eq!(read.message.as_deref(), Some("no such image"));
}

pub(crate) async fn a_container_that_somebody_else_started_is_running(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    store.started(fenced, &handle(), at(4)).await.unwrap();
    assert_eq!(status(store, job).await, JobStatus::Running);
}

pub(crate) async fn a_remark_stands_until_the_job_goes_on(store: &Store) {
    let (job, attempt) = begun(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    let message = async || store.job(job).await.unwrap().message;
    store.launching(fenced, at(2)).await.unwrap();
    store
        .remark(fenced, "no answer to the start")
        .await
        .unwrap();
    assert_eq!(message().await.as_deref(), Some("no answer to the start"));
    assert_eq!(status(store, job).await, JobStatus::Launching);
    store.started(fenced, &handle(), at(4)).await.unwrap();
    assert_eq!(message().await, None);
}

pub(crate) async fn usage_is_kept_while_the_attempt_runs(store: &Store) {
    let (_, fenced) = started(store, spec()).await;
    let used = |bytes| Usage {
        peak_memory_bytes: bytes,
        ..Usage::default()
    };
    for bytes in [7, 9] {
        store.metered(fenced, &used(bytes)).await.unwrap();
        let record = store.attempt(fenced.attempt).await.unwrap();
        assert_eq!(record.usage, Some(used(bytes)));
    }
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    let record = store.attempt(fenced.attempt).await.unwrap();
    assert_eq!(record.usage, Some(used(9)));
}

pub(crate) async fn a_failed_attempt_is_never_retried_by_itself(store: &Store) {
    let (job, fenced) = started(store, spec()).await;
    let last = store.end(fenced, end(7, retry_after(0))).await.unwrap();
    assert_eq!(last, JobStatus::Failed);
    assert_eq!(store.release_due(at(99)).await.unwrap(), 0);
    assert_eq!(store.job(job).await.unwrap().retries_used, 0);
}

pub(crate) async fn a_final_job_is_reopened_with_fresh_clocks(store: &Store) {
    let total = TimeLimits {
        total: Some(TimeLimit::from_secs(100)),
        ..TimeLimits::default()
    };
    let limited = JobSpec {
        timeouts: total,
        ..spec()
    };
    let (job, fenced) = started(store, limited).await;
    let deadline = async || store.job(job).await.unwrap().total_deadline;
    assert_eq!(deadline().await, Some(at(101)));
    assert!(!store.reopen(job, at(5)).await.unwrap());
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert!(store.reopen(job, at(9)).await.unwrap());
    let read = store.job(job).await.unwrap();
    assert_eq!((read.status, read.outcome), (JobStatus::Pending, None));
    assert_eq!((read.exit_code, read.message), (None, None));
    assert_eq!((read.started_at, read.finished_at), (None, None));
    assert_eq!(deadline().await, None);
    let attempt = AttemptId::new(uuid());
    let host = add_host(store, 1).await;
    store.begin(job, attempt, host, at(50)).await.unwrap();
    assert_eq!(deadline().await, Some(at(150)));
    assert_eq!(store.attempts(job).await.unwrap().len(), 2);
    assert!(
        words(store, job)
            .await
            .ends_with("finished retry_requested claimed")
    );
}

pub(crate) async fn only_jobs_of_their_callers_are_reopened(store: &Store) {
    let (job, fenced) = crate::world::running(store, spec()).await;
    store.end(fenced, end(1, Next::Final)).await.unwrap();
    assert!(!store.reopen(job, at(9)).await.unwrap());
    assert_eq!(status(store, job).await, JobStatus::Failed);
    assert!(store.reopen(JobId::new(uuid()), at(9)).await.is_err());
}

pub(crate) async fn a_wish_to_cancel_is_granted_only_before_an_attempt(store: &Store) {
    let cancel = async |job, now| store.request_cancel(job, at(now)).await.unwrap();
    let waiting = submit_driven(store, spec(), at(0)).await;
    assert_eq!(cancel(waiting, 5).await, CancelAnswer::Cancelled);
    let read = store.job(waiting).await.unwrap();
    assert_eq!(read.outcome, Some(Outcome::Cancelled(CancelReason::User)));
    let last = CancelAnswer::AlreadyFinal(JobStatus::Cancelled);
    assert_eq!(cancel(waiting, 6).await, last);

    let (created, attempt) = begun(store, spec()).await;
    let (running, _) = started(store, spec()).await;
    for job in [created, running] {
        assert_eq!(cancel(job, 5).await, CancelAnswer::OfService);
        let read = store.job(job).await.unwrap();
        assert_eq!((read.cancel_requested_at, read.outcome), (None, None));
    }
    store
        .abandon((&attempt).into(), &refused(), at(6))
        .await
        .unwrap();
    assert_eq!(cancel(created, 7).await, CancelAnswer::Cancelled);
    assert!(store.reopen(created, at(8)).await.unwrap());
}

pub(crate) async fn a_wish_to_retry_is_left_to_the_caller(store: &Store) {
    let (job, fenced) = started(store, spec()).await;
    let retry = async || store.request_retry(job, at(9)).await.unwrap();
    assert_eq!(retry().await, RetryAnswer::OfService);
    store.end(fenced, end(1, Next::Final)).await.unwrap();
    assert_eq!(retry().await, RetryAnswer::OfService);
    assert_eq!(status(store, job).await, JobStatus::Failed);
}

pub(crate) async fn workers_neither_queue_release_nor_expire_it(store: &Store) {
    let limits = TimeLimits {
        queue: Some(TimeLimit::from_secs(10)),
        total: Some(TimeLimit::from_secs(20)),
        ..TimeLimits::default()
    };
    let limited = JobSpec {
        timeouts: limits,
        ..spec()
    };
    let idle = submit_driven(store, limited.clone(), at(0)).await;
    let (begun, _) = begun(store, limited.clone()).await;
    assert_eq!(store.next_due().await.unwrap(), None);
    // Jobs of workers beside it, so that there is something to do.
    let of_engine = submit(store, limited, at(0)).await;
    let delayed = NewJob {
        not_before: Some(at(5)),
        ..crate::world::new_job(spec())
    };
    let later = delayed.id;
    store.submit(&[delayed], at(0)).await.unwrap();
    assert_eq!(store.release_due(at(99)).await.unwrap(), 1);
    assert_eq!(store.expire_queued(at(99)).await.unwrap(), [of_engine]);
    let queued = store.queued(9).await.unwrap();
    assert_eq!(queued.iter().map(|job| job.id).collect::<Vec<_>>(), [later]);
    let claims = [claim(idle, add_host(store, 1).await)];
    let made = store.claim(&claims, worker(), at(30), at(1)).await.unwrap();
    assert!(made.is_empty());
    for job in [idle, begun] {
        assert_eq!(status(store, job).await, JobStatus::Pending);
    }
}

pub(crate) async fn workers_neither_adopt_nor_reap_its_attempts(store: &Store) {
    let (_, attempt) = begun(store, spec()).await;
    assert!(store.expired(at(999), 9).await.unwrap().is_empty());
    let taken = store.take_over((attempt.id, 1), worker(), at(99), at(31));
    assert_eq!(taken.await.unwrap(), None);
    let (_, fenced) = started(store, spec()).await;
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert!(store.unremoved(9, None).await.unwrap().is_empty());
}

pub(crate) async fn what_callers_have_not_removed_is_listed_in_pages(store: &Store) {
    let mut ended = Vec::new();
    for _ in 0..3 {
        let (_, fenced) = started(store, spec()).await;
        store.end(fenced, end(0, Next::Final)).await.unwrap();
        ended.push(fenced.attempt);
    }
    started(store, spec()).await;
    let (_, of_engine) = crate::world::running(store, spec()).await;
    store.end(of_engine, end(0, Next::Final)).await.unwrap();
    store.removed(ended[1], at(9)).await.unwrap();
    let ids = |page: Vec<AttemptRecord>| page.iter().map(|one| one.id).collect::<Vec<_>>();
    let first = store.unremoved_of_service(1, None).await.unwrap();
    assert_eq!(ids(first), [ended[0]]);
    let rest = store.unremoved_of_service(9, Some(ended[0])).await.unwrap();
    assert_eq!(ids(rest), [ended[2]]);
    let of_engine = [of_engine.attempt];
    assert_eq!(ids(store.unremoved(9, None).await.unwrap()), of_engine);
}

pub(crate) async fn an_attempt_holds_a_slot_only_while_it_runs(store: &Store) {
    let host = add_host(store, 1).await;
    let job = submit_driven(store, spec(), at(0)).await;
    let fenced = Fenced::from(&begin_one(store, job, host).await);
    let busy = async || {
        store
            .loads()
            .await
            .unwrap()
            .get(&host)
            .map(|load| load.busy)
    };
    let begun = async || store.begun_attempts().await.unwrap().get(&host).copied();
    assert_eq!((busy().await, begun().await), (None, Some(1)));
    store.launching(fenced, at(2)).await.unwrap();
    assert_eq!(busy().await, None);
    store.started(fenced, &handle(), at(3)).await.unwrap();
    assert_eq!(busy().await, Some(1));
    let claims = [claim(submit(store, spec(), at(0)).await, host)];
    let made = store.claim(&claims, worker(), at(30), at(4)).await.unwrap();
    assert!(made.is_empty(), "the slot is taken");
    store
        .exited(fenced, &handle(), &exit(0), at(5))
        .await
        .unwrap();
    assert_eq!((busy().await, begun().await), (None, None));
}

pub(crate) async fn only_jobs_of_workers_are_open_to_workers(store: &Store) {
    assert!(!store.has_open_jobs().await.unwrap());
    submit_driven(store, spec(), at(0)).await;
    started(store, spec()).await;
    assert!(!store.has_open_jobs().await.unwrap());
    let delayed = NewJob {
        not_before: Some(at(60)),
        ..crate::world::new_job(spec())
    };
    let id = delayed.id;
    store.submit(&[delayed], at(0)).await.unwrap();
    assert!(store.has_open_jobs().await.unwrap(), "one is pending");
    store.request_cancel(id, at(1)).await.unwrap();
    assert!(!store.has_open_jobs().await.unwrap());
    let queued = submit(store, spec(), at(0)).await;
    assert!(store.has_open_jobs().await.unwrap(), "one is queued");
    let attempt = crate::world::claim_one(store, queued, add_host(store, 1).await).await;
    assert!(store.has_open_jobs().await.unwrap(), "one is launching");
    let fenced = Fenced::from(&attempt);
    store.end(fenced, end(1, retry_after(9))).await.unwrap();
    assert!(store.has_open_jobs().await.unwrap(), "one is retrying");
}

pub(crate) async fn old_jobs_go_with_the_others_once_nothing_is_left(store: &Store) {
    let (job, fenced) = started(store, spec()).await;
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    assert!(store.delete_finished(at(99), 9).await.unwrap().is_empty());
    store.removed(fenced.attempt, at(6)).await.unwrap();
    let deleted = store.delete_finished(at(99), 9).await.unwrap();
    assert_eq!(deleted, [fenced.attempt]);
    assert!(store.job(job).await.is_err());
    let told = store.events(EventFilter {
        job: Some(job),
        ..EventFilter::default()
    });
    assert_eq!(told.await.unwrap(), []);
}
