//! Images that longshore pulled go when nothing needs them; all others stay.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::collection::{Choice, Keep, Need};
use longshore_core::outcome::JobStatus;
use longshore_core::policy::Policy;
use longshore_core::spec::{JobSpec, TimeLimit};
use longshore_engine::{Doing, Shelved, Told, collect_images, prewarm};
use longshore_executor::mock::Behaviour;
use longshore_executor::{Executor, PullRequest, SharedExecutor};

use crate::rig::{Rig, spec};

const ALL: Keep = Keep {
    younger_than: Duration::ZERO,
    size_bytes: 0,
};

/// A host that has no image yet but `theirs:1`.
async fn bare_rig(behaviour: Behaviour) -> Rig {
    let rig = Rig::new(behaviour).await;
    rig.mock.tune(|knobs| {
        knobs.image(&"theirs:1".parse().unwrap()).on_host = true;
        knobs.other_images.on_host = false;
    });
    rig
}

async fn pull(rig: &Rig, image: &str) {
    let executor: SharedExecutor = Arc::new(rig.mock.clone());
    let request = PullRequest {
        image: image.parse().unwrap(),
        platform: None,
        idle: Duration::from_secs(30),
        total: Duration::from_secs(30),
    };
    let told = Told {
        progress: Arc::new(|_| {}),
        waits: &|_| {},
    };
    let pulled = prewarm(&rig.store, (&rig.host, &executor), &request, told).await;
    assert!(pulled.unwrap().is_some());
}

async fn collect(rig: &Rig, keep: Keep, doing: Doing) -> Vec<Shelved> {
    let executor: SharedExecutor = Arc::new(rig.mock.clone());
    let place = (&rig.host, &executor);
    let collected = collect_images(&rig.store, place, keep, Timestamp::now(), doing).await;
    collected.unwrap()
}

/// The names of the images that are on the host.
async fn present(rig: &Rig) -> Vec<String> {
    let images = rig.mock.images().unwrap().list().await.unwrap();
    let mut names: Vec<String> = images.into_iter().flat_map(|image| image.tags).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn only_images_that_longshore_pulled_are_collected() {
    let rig = bare_rig(Behaviour::exits(0)).await;
    pull(&rig, "ours:1").await;
    pull(&rig, "theirs:1").await;
    let planned = collect(&rig, ALL, Doing::Plan).await;
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].choice, Choice::Collect);
    assert_eq!(present(&rig).await.len(), 2, "a plan removes nothing");
    collect(&rig, ALL, Doing::Apply).await;
    assert_eq!(present(&rig).await, ["docker.io/library/theirs:1"]);
    assert!(collect(&rig, ALL, Doing::Apply).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_a_queued_job_or_a_container_needs_stays() {
    let rig = bare_rig(Behaviour::forever()).await;
    for image in ["waits:1", "runs:1"] {
        pull(&rig, image).await;
    }
    let job = |image: &str| JobSpec {
        image: image.parse().unwrap(),
        ..spec()
    };
    let runs = rig.submit(job("runs:1")).await;
    let worker = rig.worker();
    rig.status(runs, JobStatus::Running).await;
    worker.leave().await;
    rig.submit(job("docker.io/library/waits:1")).await;
    let collected = collect(&rig, ALL, Doing::Apply).await;
    let choices: Vec<Choice> = collected.iter().map(|it| it.choice).collect();
    let needed = [Choice::Needed(Need::Container), Choice::Needed(Need::Job)];
    assert_eq!(choices, needed);
    assert_eq!(present(&rig).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_a_use_of_its_image() {
    let rig = bare_rig(Behaviour::exits(0)).await;
    let last_use = async || rig.store.pulled_images(rig.host.id).await.unwrap()[0].used_at;
    rig.store
        .note_pull(rig.host.id, "busybox", None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    rig.mock.tune(|knobs| knobs.other_images.on_host = true);
    assert_eq!(last_use().await, Timestamp::UNIX_EPOCH);
    let began = Timestamp::now();
    let _worker = rig.worker();
    let job = rig.submit(spec()).await;
    rig.finished(job).await;
    assert!(last_use().await >= began);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_collect_images_soon_after_the_policy_says_so() {
    let rig = bare_rig(Behaviour::exits(0)).await;
    for (image, days) in [("old:1", 31), ("young:1", 29)] {
        pull(&rig, image).await;
        let used = Timestamp::now() - Duration::from_hours(days * 24);
        rig.store
            .note_pull(rig.host.id, image, None, used)
            .await
            .unwrap();
    }
    let _worker = rig.worker();
    let job = rig.submit(spec()).await;
    rig.finished(job).await;
    let policy = Policy {
        keep_images: Some(TimeLimit::from_secs(30 * 24 * 60 * 60)),
        ..Policy::default()
    };
    rig.store.set_policy(&policy).await.unwrap();
    rig.eventually("the old image is gone", async || {
        present(&rig).await.len() == 3
    })
    .await;
    let left = ["busybox:latest", "theirs:1", "young:1"];
    let left = left.map(|name| format!("docker.io/library/{name}"));
    assert_eq!(present(&rig).await, left);
}
