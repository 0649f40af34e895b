//! Cleaning up: exactly the right containers go, the count is right, and a second run finds none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use longshore_core::job::Driver;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_POOL, Launch, container_name};
use longshore_core::outcome::{Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_executor::mock::{Behaviour, Call, Foreign, Mischief};
use longshore_executor::{SharedExecutor, Which};
use longshore_service::{Cleanup, LegacyContainers, Origin, Reason, ServiceOptions};
use longshore_store::{End, Fenced, LogTotals, Store};
use longshore_testkit::{DEMO_IMAGE, EngineAccess, unique_name};
use uuid::Uuid;

use crate::rig::Rig;
use crate::scene::{Scene, containers_of, forever};

/// A clock that a test can set forward.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn by(&self, ahead: SignedDuration) {
        self.0.store(ahead.as_secs(), Ordering::SeqCst);
    }

    fn options(&self) -> ServiceOptions {
        let ahead = Arc::clone(&self.0);
        ServiceOptions {
            immediate_cleanup: false,
            now: Arc::new(move || {
                Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))
            }),
            ..ServiceOptions::default()
        }
    }
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn spec() -> JobSpec {
    JobSpec::new(image())
}

fn image() -> ImageReference {
    "busybox:1".parse().unwrap()
}

/// Ends the job's attempt; its container stays.
async fn end(store: &Store, job: JobId, at: Timestamp) -> AttemptId {
    let attempt = store.attempts(job).await.unwrap().pop().unwrap();
    let verdict = Verdict::without_run(Outcome::Completed, Provenance::Decision, None);
    let end = End {
        verdict,
        next: Next::Final,
        usage: None,
        log: LogTotals::default(),
        now: at,
    };
    store.end(Fenced::from(&attempt), end).await.unwrap();
    attempt.id
}

/// The labels of each legacy scheme.
fn legacy(generation: usize, job: &str) -> BTreeMap<String, String> {
    let labels: &[(&str, &str)] = match generation % 3 {
        0 => &[
            ("django-container-manager.job-id", job),
            ("django-container-manager.status", "running"),
        ],
        1 => &[
            ("django.container_manager.job_id", job),
            ("django.container_manager.template_id", "3"),
        ],
        _ => &[
            ("django.container_manager.job_id", job),
            ("managed_by", "django-container-manager"),
        ],
    };
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    labels.iter().map(owned).collect()
}

/// Containers of others on a real engine, gone when dropped.
struct Strangers {
    engine: EngineAccess,
    mark: String,
}

impl Strangers {
    fn new(engine: &EngineAccess) -> Self {
        Self {
            engine: engine.clone(),
            mark: unique_name("test.mark"),
        }
    }

    fn add(&self, labels: &BTreeMap<String, String>) -> String {
        let mut args = vec!["create".to_owned(), "--label".into(), self.mark.clone()];
        for (key, value) in labels {
            args.extend(["--label".into(), format!("{key}={value}")]);
        }
        args.extend([DEMO_IMAGE.to_owned(), "true".into()]);
        self.engine.docker(args).unwrap()
    }

    /// The ids of those that are there.
    fn left(&self) -> BTreeSet<String> {
        let filter = format!("label={}", self.mark);
        let args = ["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter];
        let listed = self.engine.docker(args).unwrap();
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        let args = ["rm", "--force"].map(str::to_owned);
        let _ = self.engine.docker(args.into_iter().chain(self.left()));
    }
}

/// Makes containers of a pool that no attempt of the store explains.
async fn make(executor: &SharedExecutor, pool: PoolId, count: usize) -> Vec<String> {
    let made = stream::iter(0..count).map(|_| async {
        let attempt = AttemptId::new(Uuid::now_v7());
        let spec = forever();
        let launch = Launch {
            pool,
            job: JobId::new(Uuid::now_v7()),
            attempt,
            host: "elsewhere".into(),
            image: spec.image.clone(),
            spec,
            legacy: None,
        };
        executor.create(&launch).await.unwrap();
        container_name(attempt)
    });
    made.buffer_unordered(8).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_hundreds_of_containers_exactly_the_right_ones_go() {
    let ahead = Ahead::default();
    let scene = Scene::with(ahead.options()).await;
    let executor = scene.service.get_client(&scene.host).await.unwrap();
    let (pool, other_pool) = (scene.store.pool(), PoolId::new(Uuid::new_v4()));
    let (now, cutoff) = (Timestamp::now(), Timestamp::now() + minutes(8));

    // 500 of ours: 250 over before the cutoff, 50 after it, 100 under way, 100 unexplained.
    let jobs = scene.jobs(vec![forever(); 400], Driver::Service).await;
    let created = scene.service.create_all(&jobs, &BTreeMap::new()).await;
    assert!(created.unwrap().iter().all(|(_, result)| result.is_ok()));
    let mut expected_gone = BTreeSet::new();
    for job in &jobs[..250] {
        expected_gone.insert(container_name(end(&scene.store, *job, now).await));
    }
    for job in &jobs[250..300] {
        end(&scene.store, *job, cutoff + minutes(1)).await;
    }
    expected_gone.extend(make(&executor, pool, 100).await);

    // 100 of others: 30 of another pool, 40 of anybody, 15 of a legacy job that is over and known
    // here, 15 of legacy jobs that nobody knows.
    let strangers = Strangers::new(&scene.engine);
    let theirs = make(&executor, other_pool, 30).await;
    let known: Vec<String> = (0..15)
        .map(|number| strangers.add(&legacy(number, &jobs[0].to_string())))
        .collect();
    let unknown = Uuid::new_v4().to_string();
    let mut staying = BTreeSet::new();
    for number in 0..15 {
        staying.insert(strangers.add(&legacy(number, &unknown)));
    }
    for _ in 0..40 {
        staying.insert(strangers.add(&BTreeMap::new()));
    }
    let all: BTreeSet<String> = scene.containers().into_iter().collect();
    assert_eq!((all.len(), theirs.len(), known.len()), (500, 30, 15));

    ahead.by(minutes(10));
    let cleanup = Cleanup {
        cutoff,
        legacy: LegacyContainers::OfKnownJobs,
    };
    let plan = scene.service.plan_cleanup(&scene.host, cleanup).await;
    assert_eq!(plan.unwrap().len(), 365);
    let clean = || {
        scene
            .service
            .cleanup_old_containers_on(&scene.host, cleanup)
    };
    assert_eq!(clean().await.unwrap(), 365);

    let left: BTreeSet<String> = scene.containers().into_iter().collect();
    let expected_left: BTreeSet<String> = all.difference(&expected_gone).cloned().collect();
    assert_eq!(left, expected_left);
    assert_eq!(containers_of(&scene.engine, other_pool).len(), 30);
    assert_eq!(strangers.left(), staying);
    assert!(scene.attempt(jobs[0]).await.removed_at.is_some());
    assert_eq!(clean().await.unwrap(), 0);

    // Containers of another pool are gone with the test, too.
    let args = ["rm", "--force"].map(str::to_owned);
    scene.engine.docker(args.into_iter().chain(theirs)).unwrap();
}

fn stranger(labels: BTreeMap<String, String>, behaviour: Option<Behaviour>) -> Foreign {
    Foreign {
        name: unique_name("stranger"),
        image: image(),
        labels,
        limits: longshore_core::share::Share::default(),
        created_at: Timestamp::now() - minutes(60),
        behaviour,
    }
}

#[tokio::test]
async fn legacy_containers_of_unknown_jobs_go_only_on_demand_and_never_while_they_run() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::default()).await;
    let unknown = Uuid::new_v4().to_string();
    mock.add_foreign(stranger(legacy(0, &unknown), Some(Behaviour::exits(0))));
    mock.add_foreign(stranger(
        legacy(1, "not even an id"),
        Some(Behaviour::exits(1)),
    ));
    mock.add_foreign(stranger(legacy(2, &unknown), Some(Behaviour::forever())));
    mock.add_foreign(stranger(legacy(2, &unknown), None));
    let late = Behaviour::exits(0).runs_for(Duration::from_mins(59));
    mock.add_foreign(stranger(legacy(2, &unknown), Some(late)));
    let cleanup = |legacy| Cleanup {
        cutoff: Timestamp::now() - minutes(30),
        legacy,
    };
    let clean = |legacy| {
        rig.service
            .cleanup_old_containers_on(&host, cleanup(legacy))
    };
    assert_eq!(clean(LegacyContainers::OfKnownJobs).await.unwrap(), 0);
    let plan = rig
        .service
        .plan_cleanup(&host, cleanup(LegacyContainers::All));
    let plan = plan.await.unwrap();
    assert!(plan.iter().all(|one| one.reason == Reason::LegacyUnknown));
    assert_eq!(clean(LegacyContainers::All).await.unwrap(), 2);
    assert_eq!(mock.containers(), 3);
}

#[tokio::test]
async fn a_legacy_container_of_a_job_that_is_under_way_stays() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    let job = rig.job(spec()).await;
    mock.add_foreign(stranger(
        legacy(1, &job.to_string()),
        Some(Behaviour::exits(0)),
    ));
    let cleanup = Cleanup {
        cutoff: Timestamp::now() + minutes(1),
        legacy: LegacyContainers::All,
    };
    let cleaned = rig.service.cleanup_old_containers_on(&host, cleanup).await;
    assert_eq!(cleaned.unwrap(), 0);
    assert_eq!(mock.containers(), 1);
}

#[tokio::test]
async fn a_container_that_no_attempt_explains_stays_until_it_is_old_enough() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    let labels = BTreeMap::from([(LABEL_POOL.to_owned(), rig.store.pool().to_string())]);
    let mut young = stranger(labels.clone(), None);
    young.created_at = Timestamp::now();
    mock.add_foreign(young);
    let mut unreadable = stranger(labels, Some(Behaviour::forever()));
    unreadable.labels.insert(LABEL_ATTEMPT.into(), "?".into());
    mock.add_foreign(unreadable);
    let cleanup = Cleanup {
        cutoff: Timestamp::now() + minutes(1),
        legacy: LegacyContainers::OfKnownJobs,
    };
    let plan = rig.service.plan_cleanup(&host, cleanup).await.unwrap();
    let reasons: Vec<Reason> = plan.iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [Reason::Unexplained]);
    let swept = rig.service.apply_cleanup(&host, plan).await.unwrap();
    assert!(swept[0].is_removed());
    assert_eq!(mock.containers(), 1);
}

#[tokio::test]
async fn an_ended_attempt_whose_container_is_long_gone_is_written_off_and_not_counted() {
    let ahead = Ahead::default();
    let rig = Rig::with(ahead.options()).await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    mock.vanish(rig.attempt(job).await.id);
    let clean = || rig.service.cleanup_old_containers(0);
    assert_eq!(clean().await.unwrap(), 0);
    assert_eq!(rig.attempt(job).await.removed_at, None, "it may be late");
    ahead.by(minutes(10));
    assert_eq!(clean().await.unwrap(), 0);
    assert!(rig.attempt(job).await.removed_at.is_some());
    rig.store.remove_host(host.id).await.unwrap();
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_left_for_the_next_time() {
    let rig = Rig::keeping().await;
    let (away, cut) = rig.mock(Behaviour::exits(0)).await;
    let (here, mock) = rig.mock(Behaviour::exits(0)).await;
    for host in [&away, &here] {
        let job = rig
            .started(JobSpec {
                host: Some(host.name.clone()),
                ..spec()
            })
            .await;
        assert!(rig.service.harvest_completed_job(job).await.unwrap());
    }
    cut.cut();
    assert_eq!(rig.service.cleanup_old_containers(0).await.unwrap(), 1);
    assert_eq!((cut.containers(), mock.containers()), (1, 0));
    let cleanup = Cleanup {
        cutoff: Timestamp::now(),
        legacy: LegacyContainers::OfKnownJobs,
    };
    let planned = rig.service.plan_cleanup_everywhere(cleanup).await.unwrap();
    for on_host in planned {
        assert_eq!(on_host.answer.is_err(), on_host.host.id == away.id);
    }
    cut.heal();
    assert_eq!(rig.service.cleanup_old_containers(0).await.unwrap(), 1);
    assert_eq!(rig.service.cleanup_old_containers(0).await.unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_be_removed_is_said_and_not_counted() {
    let rig = Rig::keeping().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    mock.disturb(
        Call::Remove,
        1,
        Mischief::Fail(longshore_core::fault::Fault::Internal),
    );
    let cleanup = Cleanup {
        cutoff: Timestamp::now() + minutes(1),
        legacy: LegacyContainers::OfKnownJobs,
    };
    let clean = || rig.service.cleanup_old_containers_on(&host, cleanup);
    assert_eq!(clean().await.unwrap(), 0);
    assert_eq!(rig.attempt(job).await.removed_at, None);
    assert_eq!(clean().await.unwrap(), 1);
}

#[tokio::test]
async fn containers_of_all_three_schemes_and_ours_are_discovered_everywhere() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    let (_, cut) = rig.mock(Behaviour::forever()).await;
    let job = rig
        .started(JobSpec {
            host: Some(host.name.clone()),
            ..spec()
        })
        .await;
    for generation in 0..3 {
        let labels = legacy(generation, "0b5b0a34-0000-4000-8000-000000000000");
        mock.add_foreign(stranger(labels, Some(Behaviour::forever())));
    }
    mock.add_foreign(stranger(BTreeMap::new(), Some(Behaviour::forever())));
    let mut theirs = legacy(2, "0b5b0a34-0000-4000-8000-000000000000");
    theirs.insert(LABEL_POOL.into(), Uuid::new_v4().to_string());
    mock.add_foreign(stranger(theirs, Some(Behaviour::forever())));
    let found = rig
        .service
        .discover_running_containers(&host)
        .await
        .unwrap();
    assert_eq!(found.len(), 4);
    let ours = found.iter().filter(|found| match &found.origin {
        Origin::Pool { job: of, attempt } => *of == Some(job) && attempt.is_some(),
        Origin::Legacy(_) => false,
    });
    assert_eq!(ours.count(), 1);
    cut.cut();
    let everywhere = rig.service.discover_everywhere().await.unwrap();
    let mut counts: Vec<Option<usize>> = everywhere
        .iter()
        .map(|on_host| on_host.answer.as_ref().ok().map(Vec::len))
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [None, Some(4)]);
    let running = rig.service.list_containers(&host, Which::Running).await;
    assert_eq!(running.unwrap().len(), 6);
}
