//! Lists: pages, filters, and what a person means by a text.

use longshore_core::JobId;
use longshore_core::attempt::Phase;
use longshore_core::dependency::Upstream;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_store::{
    AttemptStanding, EventFilter, JobCursor, JobFilter, NewJob, ResolveError, Store,
};
use uuid::Uuid;

use crate::world::{at, handle, new_job, running, spec, submit, uuid};

fn named(name: &str) -> JobSpec {
    JobSpec {
        name: Some(name.parse().unwrap()),
        ..spec()
    }
}

pub(crate) async fn pages_neither_repeat_nor_miss_jobs_of_one_instant(store: &Store) {
    let mut submitted = Vec::new();
    for second in [0, 1, 1, 1, 1, 1, 2] {
        submitted.push(submit(store, spec(), at(second)).await);
    }
    let (mut met, mut before) = (Vec::new(), None);
    loop {
        let filter = JobFilter {
            limit: 2,
            before,
            ..JobFilter::default()
        };
        let page = store.jobs(&filter).await.unwrap();
        met.extend(page.iter().map(|job| job.id));
        before = page.last().map(JobCursor::from);
        if page.len() < 2 {
            break;
        }
    }
    submitted.reverse();
    assert_eq!(met, submitted);
}

pub(crate) async fn filters_hold_together(store: &Store) {
    let label = |value: &str| [("team".parse().unwrap(), value.to_owned())].into();
    let wanted = submit(
        store,
        JobSpec {
            labels: label("a"),
            ..named("n")
        },
        at(0),
    )
    .await;
    submit(
        store,
        JobSpec {
            labels: label("b"),
            ..named("n")
        },
        at(0),
    )
    .await;
    submit(
        store,
        JobSpec {
            labels: label("a"),
            ..named("m")
        },
        at(0),
    )
    .await;
    let (elsewhere, _) = running(
        store,
        JobSpec {
            labels: label("a"),
            ..named("n")
        },
    )
    .await;
    let filter = JobFilter {
        statuses: vec![JobStatus::Queued, JobStatus::Retrying],
        name: Some("n".into()),
        label: Some(("team".into(), "a".into())),
        ..JobFilter::default()
    };
    let ids = |jobs: Vec<longshore_core::job::Job>| jobs.iter().map(|job| job.id).collect();
    let met: Vec<JobId> = ids(store.jobs(&filter).await.unwrap());
    assert_eq!(met, [wanted]);
    let host = store.job(elsewhere).await.unwrap().host;
    let on_host = JobFilter {
        host,
        ..JobFilter::default()
    };
    let met: Vec<JobId> = ids(store.jobs(&on_host).await.unwrap());
    assert_eq!(met, [elsewhere]);
}

pub(crate) async fn a_job_is_found_by_id_beginning_end_or_name(store: &Store) {
    let job = submit(store, named("report"), at(0)).await;
    let newest = submit(store, named("report"), at(1)).await;
    let text = job.to_string();
    for typed in [
        &text,
        &text.to_uppercase(),
        &text[..18],
        &job.short(),
        &job.short()[..11],
    ] {
        assert_eq!(store.resolve(typed).await.unwrap(), job, "{typed}");
    }
    for typed in ["report", "-"] {
        assert_eq!(store.resolve(typed).await.unwrap(), newest, "{typed}");
    }
    for typed in ["repor", "", "%", &Uuid::nil().to_string()] {
        let error = store.resolve(typed).await.unwrap_err();
        assert!(
            matches!(error, ResolveError::Unknown { .. }),
            "{typed}: {error}"
        );
    }
}

pub(crate) async fn a_name_means_its_job_though_the_id_of_another_begins_with_it(store: &Store) {
    let other = submit(store, spec(), at(0)).await;
    let beginning = &other.to_string()[..4];
    let job = submit(store, named(beginning), at(1)).await;
    assert_eq!(store.resolve(beginning).await.unwrap(), job);
}

pub(crate) async fn an_ambiguous_text_lists_what_it_fits(store: &Store) {
    let id = |tail: u128| JobId::new(Uuid::from_u128((0xabc << 100) | tail));
    let jobs = [1, 2].map(|tail| NewJob {
        id: id(tail),
        ..new_job(spec())
    });
    store.submit(&jobs, at(0)).await.unwrap();
    let error = store.resolve("0000abc").await.unwrap_err();
    let ResolveError::Ambiguous { fitting, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(fitting, [id(1), id(2)].map(Upstream::Job));
    let beef = submit(store, named("abc"), at(1)).await;
    assert_eq!(store.resolve("abc").await.unwrap(), beef);
}

pub(crate) async fn counts_name_every_status(store: &Store) {
    submit(store, spec(), at(0)).await;
    running(store, spec()).await;
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.len(), JobStatus::ALL.len());
    let total: u64 = counts.iter().map(|(_, jobs)| jobs).sum();
    assert_eq!((counts[1].1, counts[3].1, total), (1, 1, 2));
}

pub(crate) async fn events_are_read_in_pages(store: &Store) {
    for _ in 0..3 {
        submit(store, spec(), at(0)).await;
    }
    let (mut after, mut met) = (0, Vec::new());
    loop {
        let page = store
            .events(EventFilter {
                job: None,
                after,
                limit: 4,
            })
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = last.sequence;
        met.extend(page.iter().map(|event| event.sequence));
    }
    assert_eq!(met, (1..=6).collect::<Vec<_>>());
    assert_eq!(store.last_event_sequence().await.unwrap(), 6);
}

pub(crate) async fn standings_are_those_of_the_records_however_many_are_asked_for(store: &Store) {
    let (begun, _) = running(store, spec()).await;
    let attempt = store.attempts(begun).await.unwrap().remove(0);
    let fresh = submit(store, spec(), at(0)).await;
    let nobody = JobId::new(uuid());
    let mut asked = vec![nobody; 2000];
    asked.extend([begun, fresh]);
    let mut found = store.standings(&asked).await.unwrap();
    found.sort_by_key(|standing| standing.job == fresh);
    let [of_begun, of_fresh] = &found[..] else {
        panic!("two: {found:?}");
    };
    assert_eq!(of_begun, &store.standing(begun).await.unwrap());
    assert_eq!((of_begun.job, of_begun.status), (begun, JobStatus::Running));
    let host = store.host(attempt.host).await.unwrap();
    let wanted = AttemptStanding {
        id: attempt.id,
        phase: Phase::Running,
        handle: Some(handle()),
        removed_at: None,
        host: host.id,
        host_updated_at: host.updated_at,
    };
    assert_eq!(of_begun.attempt.as_ref(), Some(&wanted));
    assert_eq!(
        (of_fresh.status, &of_fresh.attempt),
        (JobStatus::Queued, &None)
    );
    let error = store.standing(nobody).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no job `{nobody}`"));
}
