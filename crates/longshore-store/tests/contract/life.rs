//! The life of an attempt: reports in order, too late, or said twice.

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::outcome::{CancelReason, FailReason, JobStatus, Outcome};
use longshore_core::retry::Next;
use longshore_core::spec::{ByteSize, JobSpec};
use longshore_core::usage::Usage;
use longshore_core::{AttemptId, JobId};
use longshore_store::{CancelAnswer, End, EventFilter, Fenced, Silence, Store, StoreError};

use crate::world::{
    add_host, at, claim_one, claimed, end, exit, handle, retry_after, running, spec,
};

async fn kinds(store: &Store, job: JobId) -> Vec<EventKind> {
    let filter = EventFilter {
        job: Some(job),
        ..EventFilter::default()
    };
    store
        .events(filter)
        .await
        .unwrap()
        .iter()
        .map(|event| event.kind)
        .collect()
}

fn is_stale<T>(result: &Result<T, StoreError>, id: AttemptId) -> bool {
    matches!(result, Err(StoreError::Stale { attempt }) if *attempt == id)
}

pub(crate) async fn a_job_runs_from_claim_to_completion_and_leaves_its_timeline(store: &Store) {
    let (job, attempt) = claimed(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    store.pulling(fenced, "busybox", at(2)).await.unwrap();
    store
        .image_ready(fenced, Some("sha256:1"), at(3))
        .await
        .unwrap();
    store.created(fenced, &handle(), at(4)).await.unwrap();
    store.started(fenced, &handle(), at(5)).await.unwrap();
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Running);
    store
        .exited(fenced, &handle(), &exit(0), at(6))
        .await
        .unwrap();
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Running);
    let usage = Usage {
        peak_memory_bytes: 7,
        ..Usage::default()
    };
    let done = End {
        usage: Some(usage.clone()),
        ..end(0, Next::Final)
    };
    assert_eq!(store.end(fenced, done).await.unwrap(), JobStatus::Completed);
    store.removed(fenced.attempt, at(9)).await.unwrap();

    let job = store.job(job).await.unwrap();
    assert_eq!(
        (job.outcome, job.exit_code),
        (Some(Outcome::Completed), Some(0))
    );
    assert_eq!(
        (job.started_at, job.finished_at),
        (Some(at(5)), Some(at(4)))
    );
    let record = store.attempt(fenced.attempt).await.unwrap();
    assert_eq!(
        (record.phase, record.verdict),
        (Phase::Ended, Some(exit(0)))
    );
    assert_eq!(
        (record.usage, record.lease, record.handle),
        (Some(usage), None, Some(handle()))
    );
    assert_eq!(
        (record.image_ready_at, record.ended_at),
        (Some(at(3)), Some(at(6)))
    );
    assert_eq!(record.removed_at, Some(at(9)));
    let words: Vec<_> = kinds(store, job.id)
        .await
        .iter()
        .map(|kind| kind.word())
        .collect();
    let timeline = "submitted queued claimed pulling image_ready created started exited \
        log_complete attempt_ended finished removed";
    assert_eq!(words.join(" "), timeline);
}

pub(crate) async fn a_failed_attempt_with_a_retry_waits_and_runs_again_as_number_two(
    store: &Store,
) {
    let (job, fenced) = running(store, spec()).await;
    let status = store.end(fenced, end(7, retry_after(10))).await.unwrap();
    assert_eq!(status, JobStatus::Retrying);
    let waiting = store.job(job).await.unwrap();
    assert_eq!(
        (waiting.not_before, waiting.retries_used),
        (Some(at(14)), 1)
    );
    assert_eq!((waiting.outcome, waiting.exit_code), (None, Some(7)));
    assert_eq!(store.release_due(at(14)).await.unwrap(), 1);
    let host = add_host(store, 1).await;
    let second = claim_one(store, job, host).await;
    assert_eq!((second.number, second.fence), (2, 1));
    store
        .end(Fenced::from(&second), end(0, Next::Final))
        .await
        .unwrap();
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Completed);
    let numbers: Vec<_> = store
        .attempts(job)
        .await
        .unwrap()
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(numbers, [1, 2]);
}

pub(crate) async fn more_memory_for_the_next_attempt_stays_with_the_job(store: &Store) {
    let spec = JobSpec {
        memory: Some(ByteSize::from_mebibytes(16)),
        memory_swap: Some("24m".parse().unwrap()),
        ..spec()
    };
    let (job, fenced) = running(store, spec).await;
    let Next::Retry { after, budget, .. } = retry_after(10) else {
        unreachable!("it is a retry");
    };
    let memory = Some(ByteSize::from_mebibytes(32));
    let next = Next::Retry {
        after,
        budget,
        memory,
    };
    store.end(fenced, end(137, next)).await.unwrap();
    let events = store.events(EventFilter::default()).await.unwrap();
    let detail = &events.last().unwrap().detail;
    assert_eq!(
        detail,
        "in 10.0s, from the job's own budget, with memory 32m"
    );
    store.release_due(at(14)).await.unwrap();
    assert_eq!(store.queued(9).await.unwrap()[0].spec.memory, memory);

    let host = add_host(store, 1).await;
    let second = Fenced::from(&claim_one(store, job, host).await);
    let under_way = store.runs_under_way(9).await.unwrap();
    assert_eq!(under_way[0].spec.memory, memory);
    // A retry for another reason takes nothing back; nor does one that is asked for.
    store.end(second, end(7, retry_after(0))).await.unwrap();
    store.release_due(at(14)).await.unwrap();
    let third = Fenced::from(&claim_one(store, job, host).await);
    store.end(third, end(7, Next::Final)).await.unwrap();
    store.request_retry(job, at(20)).await.unwrap();
    let spec = store.job(job).await.unwrap().spec;
    let swap = spec.memory_swap.map(|swap| swap.to_string());
    assert_eq!((spec.memory, swap.as_deref()), (memory, Some("40m")));
}

pub(crate) async fn a_report_about_a_phase_that_is_over_is_stale(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    let id = fenced.attempt;
    assert!(is_stale(&store.image_ready(fenced, None, at(5)).await, id));
    assert!(is_stale(&store.created(fenced, &handle(), at(5)).await, id));
    store
        .exited(fenced, &handle(), &exit(1), at(5))
        .await
        .unwrap();
    assert!(is_stale(&store.started(fenced, &handle(), at(6)).await, id));
    assert!(is_stale(
        &store.exited(fenced, &handle(), &exit(0), at(6)).await,
        id
    ));
    store.end(fenced, end(1, Next::Final)).await.unwrap();
    assert!(is_stale(&store.end(fenced, end(0, Next::Final)).await, id));
    assert!(is_stale(&store.stopping(fenced, "why", at(6)).await, id));
    assert_eq!(store.stale_reports(), 6);
    let outcome = store.job(job).await.unwrap().outcome;
    assert_eq!(outcome, Some(Outcome::Failed(FailReason::Exit(1))));
}

pub(crate) async fn a_report_with_an_old_fence_changes_nothing(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store
        .take_over((fenced.attempt, 1), crate::world::worker(), at(99), at(31))
        .await
        .unwrap();
    let before = store.last_event_sequence().await.unwrap();
    assert!(is_stale(
        &store.end(fenced, end(0, Next::Final)).await,
        fenced.attempt
    ));
    assert!(is_stale(
        &store.pulling(fenced, "", at(5)).await,
        fenced.attempt
    ));
    assert!(is_stale(
        &store.unknown_since(fenced, Some(at(5)), at(5)).await,
        fenced.attempt
    ));
    assert_eq!(store.last_event_sequence().await.unwrap(), before);
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Running);
}

pub(crate) async fn said_twice_created_changes_nothing(store: &Store) {
    let (_, attempt) = claimed(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    store.created(fenced, &handle(), at(2)).await.unwrap();
    let before = store.last_event_sequence().await.unwrap();
    store.created(fenced, &handle(), at(3)).await.unwrap();
    assert_eq!(store.last_event_sequence().await.unwrap(), before);
    let kept = store.attempt(attempt.id).await.unwrap();
    assert_eq!(kept.handle, Some(handle()));
}

pub(crate) async fn said_twice_started_changes_nothing(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    let before = store.last_event_sequence().await.unwrap();
    store.started(fenced, &handle(), at(50)).await.unwrap();
    assert_eq!(store.job(job).await.unwrap().started_at, Some(at(2)));
    assert_eq!(store.last_event_sequence().await.unwrap(), before);
}

pub(crate) async fn an_end_that_is_said_twice_is_no_stale_report(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    for now in [5, 6] {
        let exited = store.exited(fenced, &handle(), &exit(7), at(now)).await;
        exited.unwrap();
    }
    let first = store.end(fenced, end(7, retry_after(10))).await.unwrap();
    let before = store.last_event_sequence().await.unwrap();
    let again = store.end(fenced, end(7, retry_after(10))).await.unwrap();
    assert_eq!((first, again), (JobStatus::Retrying, JobStatus::Retrying));
    assert_eq!(store.last_event_sequence().await.unwrap(), before);
    assert_eq!(store.job(job).await.unwrap().retries_used, 1);
    assert_eq!(store.stale_reports(), 0);
}

pub(crate) async fn a_text_with_a_zero_in_it_is_kept_all_the_same(store: &Store) {
    let (job, attempt) = claimed(store, spec()).await;
    let pulling = store.pulling(Fenced::from(&attempt), "a\0b", at(2)).await;
    pulling.unwrap();
    let events = store.events(EventFilter::default()).await.unwrap();
    let detail = &events.last().unwrap().detail;
    assert!(
        ["a\0b", "a\u{fffd}b"].contains(&detail.as_str()),
        "{detail:?}"
    );
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Launching);
}

pub(crate) async fn a_cancelled_job_is_never_retried(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    assert_eq!(
        store.request_cancel(job, at(3)).await.unwrap(),
        CancelAnswer::Requested
    );
    let status = store.end(fenced, end(143, retry_after(1))).await.unwrap();
    assert_eq!(status, JobStatus::Cancelled);
    let job = store.job(job).await.unwrap();
    assert_eq!(job.outcome, Some(Outcome::Cancelled(CancelReason::User)));
    assert_eq!(job.exit_code, Some(143));
}

pub(crate) async fn a_job_that_completed_in_spite_of_the_wish_is_completed(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    store.request_cancel(job, at(3)).await.unwrap();
    assert_eq!(
        store.end(fenced, end(0, Next::Final)).await.unwrap(),
        JobStatus::Completed
    );
}

pub(crate) async fn the_first_image_digest_is_kept(store: &Store) {
    let (job, attempt) = claimed(store, spec()).await;
    let fenced = Fenced::from(&attempt);
    store
        .image_ready(fenced, Some("sha256:1"), at(3))
        .await
        .unwrap();
    store
        .image_ready(fenced, Some("sha256:2"), at(4))
        .await
        .unwrap();
    assert_eq!(
        store.job(job).await.unwrap().image_digest.as_deref(),
        Some("sha256:1")
    );
}

pub(crate) async fn an_unreachable_host_is_noted_once(store: &Store) {
    let (job, fenced) = running(store, spec()).await;
    for now in [5, 6] {
        store
            .unknown_since(fenced, Some(at(now)), at(now))
            .await
            .unwrap();
    }
    let host = store.attempt(fenced.attempt).await.unwrap().host;
    let since = at(5);
    assert_eq!(
        store.silences(9).await.unwrap(),
        [Silence { job, host, since }]
    );
    for now in [7, 8] {
        store.unknown_since(fenced, None, at(now)).await.unwrap();
    }
    assert_eq!(store.silences(9).await.unwrap(), []);
    let told = kinds(store, job).await.split_off(4);
    assert_eq!(told, [EventKind::HostUnreachable, EventKind::HostReachable]);
}

pub(crate) async fn a_container_is_removed_only_after_the_end(store: &Store) {
    let (_, fenced) = running(store, spec()).await;
    assert!(is_stale(
        &store.removed(fenced.attempt, at(5)).await,
        fenced.attempt
    ));
    store.end(fenced, end(0, Next::Final)).await.unwrap();
    store.removed(fenced.attempt, at(6)).await.unwrap();
    store.removed(fenced.attempt, at(7)).await.unwrap();
    assert_eq!(
        store.attempt(fenced.attempt).await.unwrap().removed_at,
        Some(at(6))
    );
}
