//! Reports that wait together are written together, and each is judged by itself.

use futures::future::join_all;
use longshore_core::JobId;
use longshore_core::attempt::Phase;
use longshore_core::dependency::{Condition, Dependency, Upstream};
use longshore_core::event::EventKind;
use longshore_core::job::AttemptRecord;
use longshore_core::outcome::JobStatus;
use longshore_core::retry::Next;
use longshore_store::{End, EventFilter, Fenced, ImageSeen, NewJob, Store, StoreError, Untold};

use crate::world::{add_host, at, claim, end, exit, handle, new_job, retry_after, spec, worker};

const MANY: u32 = 50;

/// Many jobs, claimed in one call.
async fn many_claimed(store: &Store) -> Vec<AttemptRecord> {
    let jobs: Vec<NewJob> = (0..MANY).map(|_| new_job(spec())).collect();
    store.submit(&jobs, at(0)).await.unwrap();
    let host = add_host(store, MANY).await;
    let claims: Vec<_> = jobs.iter().map(|job| claim(job.id, host)).collect();
    let made = store.claim(&claims, worker(), at(30), at(1)).await.unwrap();
    let ids = |attempts: &[AttemptRecord]| attempts.iter().map(|made| made.job).collect::<Vec<_>>();
    assert_eq!(
        ids(&made),
        jobs.iter().map(|job| job.id).collect::<Vec<_>>()
    );
    made
}

async fn told(store: &Store, job: JobId) -> Vec<EventKind> {
    let filter = EventFilter {
        job: Some(job),
        ..EventFilter::default()
    };
    let events = store.events(filter).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

/// Every tenth names an old fence.
fn fenced(attempts: &[AttemptRecord]) -> Vec<(Fenced, bool)> {
    let tenth = |(index, attempt): (usize, &AttemptRecord)| {
        let mut fenced = Fenced::from(attempt);
        let is_stale = index % 10 == 9;
        fenced.fence += i64::from(is_stale);
        (fenced, is_stale)
    };
    attempts.iter().enumerate().map(tenth).collect()
}

/// All answers, of which those of stale reports are refused and no other is.
fn check<T>(answers: Vec<Result<T, StoreError>>, reports: &[(Fenced, bool)]) {
    for (answer, (fenced, is_stale)) in answers.into_iter().zip(reports) {
        match answer {
            Ok(_) => assert!(!is_stale, "{fenced:?}"),
            Err(StoreError::Stale { attempt }) => {
                assert!(*is_stale && attempt == fenced.attempt, "{fenced:?}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn of_many_reports_at_once_only_the_stale_ones_are_refused(store: &Store) {
    let attempts = many_claimed(store).await;
    let reports = fenced(&attempts);
    let (handle, said) = (&handle(), &reports);
    let of_all = || said.iter().map(|(fenced, _)| *fenced);
    let ready = of_all().map(|one| store.image_ready(one, Some("sha256:1"), at(2)));
    check(join_all(ready).await, said);
    check(
        join_all(of_all().map(|one| store.created(one, handle, at(3)))).await,
        said,
    );
    check(
        join_all(of_all().map(|one| store.started(one, handle, at(4)))).await,
        said,
    );
    let verdict = &exit(0);
    let exited = of_all().map(|one| store.exited(one, handle, verdict, at(5)));
    check(join_all(exited).await, said);
    let ended = of_all().map(|one| store.end(one, end(0, Next::Final)));
    check(join_all(ended).await, said);
    let removed = said
        .iter()
        .map(|(one, _)| store.removed(one.attempt, at(7)));
    check(join_all(removed).await, said);
    for (attempt, (_, is_stale)) in attempts.iter().zip(said) {
        let job = store.job(attempt.job).await.unwrap();
        let mut kinds = told(store, attempt.job).await;
        if *is_stale {
            assert_eq!(job.status, JobStatus::Launching);
            assert_eq!(kinds.last(), Some(&EventKind::Claimed));
            continue;
        }
        assert_eq!(job.status, JobStatus::Completed);
        assert_eq!(job.image_digest.as_deref(), Some("sha256:1"));
        assert_eq!(kinds.split_off(3), WHOLE_LIFE);
    }
}

const WHOLE_LIFE: [EventKind; 8] = [
    EventKind::ImageReady,
    EventKind::Created,
    EventKind::Started,
    EventKind::Exited,
    EventKind::LogComplete,
    EventKind::AttemptEnded,
    EventKind::Finished,
    EventKind::Removed,
];

pub(crate) async fn a_whole_life_that_is_reported_at_once_is_told_in_its_order(store: &Store) {
    let attempts = many_claimed(store).await;
    let (handle, verdict) = (&handle(), &exit(0));
    let lives = attempts.iter().map(|attempt| async move {
        let fenced = Fenced::from(attempt);
        let (ready, created, started, exited, ended, removed) = tokio::join!(
            // In this order into the queue.
            biased;
            store.image_ready(fenced, None, at(2)),
            store.created(fenced, handle, at(3)),
            store.started(fenced, handle, at(4)),
            store.exited(fenced, handle, verdict, at(5)),
            store.end(fenced, end(0, Next::Final)),
            store.removed(attempt.id, at(7)),
        );
        for answer in [ready, created, started, exited, removed] {
            answer.unwrap();
        }
        assert_eq!(ended.unwrap(), JobStatus::Completed);
    });
    join_all(lives).await;
    for attempt in &attempts {
        assert_eq!(told(store, attempt.job).await.split_off(3), WHOLE_LIFE);
    }
}

pub(crate) async fn a_life_that_is_told_in_few_reports_reads_like_one_that_is_told_in_many(
    store: &Store,
) {
    let attempts = many_claimed(store).await;
    let reports = fenced(&attempts);
    let (handle, said) = (&handle(), &reports);
    let of_all = || said.iter().map(|(fenced, _)| *fenced);
    let image = ImageSeen {
        digest: Some("sha256:1".to_owned()),
        at: at(2),
    };
    let created = of_all().map(|one| store.created_from(one, Some(image.clone()), handle, at(3)));
    check(join_all(created).await, said);
    let untold = Untold {
        handle: handle.clone(),
        started_at: Some(at(4)),
        exited_at: at(5),
    };
    let over = End {
        now: at(6),
        ..end(0, Next::Final)
    };
    // Also when it is said again, as after a commit whose answer was lost.
    for _ in 0..2 {
        let ended = of_all().map(|one| store.end_run(one, Some(untold.clone()), over.clone()));
        check(join_all(ended).await, said);
    }
    for (attempt, _) in attempts
        .iter()
        .zip(said)
        .filter(|(_, (_, is_stale))| !is_stale)
    {
        let record = store.attempt(attempt.id).await.unwrap();
        assert_eq!(
            (record.phase, record.handle.as_ref()),
            (Phase::Ended, Some(handle))
        );
        assert_eq!(
            (record.image_ready_at, record.started_at),
            (Some(at(2)), Some(at(4)))
        );
        assert_eq!(
            (record.ended_at, record.log_complete_at),
            (Some(at(5)), Some(at(6)))
        );
        let job = store.job(attempt.job).await.unwrap();
        assert_eq!(
            (job.status, job.started_at),
            (JobStatus::Completed, Some(at(4)))
        );
        assert_eq!(job.image_digest.as_deref(), Some("sha256:1"));
        assert_eq!(told(store, attempt.job).await.split_off(3), WHOLE_LIFE[..7]);
    }
}

pub(crate) async fn attempts_that_end_together_move_their_jobs_each_its_own_way(store: &Store) {
    let attempts = many_claimed(store).await;
    let cancelled = attempts.iter().skip(2).step_by(3);
    for attempt in cancelled {
        store.request_cancel(attempt.job, at(2)).await.unwrap();
    }
    let next = |index: usize| match index % 3 {
        0 => Next::Final,
        _ => retry_after(10),
    };
    let ends = attempts.iter().enumerate();
    let ends = ends.map(|(index, attempt)| store.end(attempt.into(), end(7, next(index))));
    let answers = join_all(ends).await;
    for (index, (attempt, answer)) in attempts.iter().zip(answers).enumerate() {
        let wanted = [JobStatus::Failed, JobStatus::Retrying, JobStatus::Cancelled];
        assert_eq!(answer.unwrap(), wanted[index % 3]);
        let job = store.job(attempt.job).await.unwrap();
        assert_eq!(job.status, wanted[index % 3]);
        assert_eq!(job.retries_used, u32::from(index % 3 == 1));
    }
}

pub(crate) async fn who_waits_for_several_that_end_together_is_released(store: &Store) {
    let attempts = many_claimed(store).await;
    let mut waiting = new_job(spec());
    let upstreams = attempts.iter().map(|attempt| Dependency {
        upstream: Upstream::Job(attempt.job),
        condition: Condition::Succeeded,
    });
    waiting.after = upstreams.collect();
    store.submit(&[waiting.clone()], at(1)).await.unwrap();
    let (last, others) = attempts.split_last().unwrap();
    let ends = others
        .iter()
        .map(|attempt| store.end(attempt.into(), end(0, Next::Final)));
    assert!(join_all(ends).await.iter().all(Result::is_ok));
    let job = store.job(waiting.id).await.unwrap();
    assert_eq!(job.status, JobStatus::Pending);
    store.end(last.into(), end(0, Next::Final)).await.unwrap();
    let job = store.job(waiting.id).await.unwrap();
    assert_eq!(job.status, JobStatus::Queued);
}
