//! Two hosts side by side: jobs spread over them, and leave the one that failed them.

use std::collections::HashMap;

use longshore_core::HostId;
use longshore_core::fault::Fault;
use longshore_core::host::Host;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_executor::mock::{Behaviour, Call, Mischief};
use uuid::Uuid;

use crate::rig::{Rig, spec};

/// A second host beside that of the rig, which is the same mock under another name.
async fn add_host(rig: &Rig, name: &str, weight: u32) -> Host {
    let host = Host {
        id: HostId::new(Uuid::now_v7()),
        name: name.into(),
        weight,
        ..rig.host.clone()
    };
    rig.store.add_host(&host).await.unwrap();
    host
}

/// The image is on every host and in the list of its images.
fn keep_image(rig: &Rig) {
    let image = spec().image;
    rig.mock.tune(|knobs| knobs.image(&image).on_host = true);
}

/// A job that is pinned to it has started on each host: the worker speaks to all of them.
async fn until_all_take_jobs(rig: &Rig) {
    for host in rig.store.hosts().await.unwrap() {
        let pinned = JobSpec {
            host: Some(host.name),
            ..spec()
        };
        let job = rig.submit(pinned).await;
        rig.until("it has started", job, |job| job.started_at.is_some())
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_hosts_share_the_jobs() {
    let rig = Rig::new(Behaviour::forever()).await;
    keep_image(&rig);
    let other = add_host(&rig, "other", 100).await;
    let _worker = rig.worker();
    until_all_take_jobs(&rig).await;
    let jobs = rig.submit_all(vec![spec(); 6]).await;
    let mut counts: HashMap<HostId, u32> = HashMap::new();
    for job in jobs {
        let job = rig.status(job, JobStatus::Running).await;
        *counts.entry(job.host.unwrap()).or_default() += 1;
    }
    assert_eq!([counts[&rig.host.id], counts[&other.id]], [3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_host_failed_goes_to_another_one_however_light() {
    let rig = Rig::new(Behaviour::exits(0)).await;
    let other = add_host(&rig, "other", 1).await;
    let _worker = rig.worker();
    until_all_take_jobs(&rig).await;
    rig.mock
        .disturb(Call::Create, 1, Mischief::Fail(Fault::Resources));
    let job = rig.submit(spec()).await;
    let job = rig.finished(job).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Completed, 2));
    let hosts: Vec<_> = rig
        .attempts(job.id)
        .await
        .iter()
        .map(|it| it.host)
        .collect();
    assert_eq!(hosts, [rig.host.id, other.id]);
}
