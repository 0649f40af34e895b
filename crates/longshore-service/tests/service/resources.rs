//! Volumes, networks and images that are ours: a plan first, and then only what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::fault::Fault;
use longshore_core::launch::LABEL_POOL;
use longshore_core::spec::JobSpec;
use longshore_executor::mock::{Behaviour, Call, Mischief};
use longshore_executor::{Resource, ResourceKind};
use longshore_service::{Cleanup, Fate, LegacyContainers, PullWish};
use longshore_testkit::{DEMO_IMAGE, Registry, RegistryKind, unique_name};

use crate::rig::Rig;
use crate::scene::{Scene, forever};

fn everything() -> Cleanup {
    Cleanup {
        cutoff: Timestamp::now() + Duration::from_secs(5),
        legacy: LegacyContainers::OfKnownJobs,
    }
}

#[tokio::test]
async fn what_is_ours_goes_and_what_is_in_use_stays_on_a_real_engine() {
    let scene = Scene::new().await;
    let registry = Registry::start(&scene.engine, RegistryKind::Open).unwrap();
    let name = format!("{}:1", unique_name("team/app"));
    let image = registry.push(&scene.engine, DEMO_IMAGE, &name).unwrap();
    let pulled = image.parse().unwrap();
    let service = &scene.service;
    service
        .pull_image(&scene.host, &pulled, PullWish::default())
        .await
        .unwrap();
    let label = format!("{LABEL_POOL}={}", scene.store.pool());
    let (free, used) = (unique_name("free"), unique_name("used"));
    for volume in [&free, &used] {
        let args = ["volume", "create", "--label", &label, volume];
        scene.engine.docker(args).unwrap();
    }
    let job = scene
        .created(JobSpec {
            volumes: vec![format!("{used}:/inside").parse().unwrap()],
            ..forever()
        })
        .await;
    let plan = service
        .plan_resources(&scene.host, everything())
        .await
        .unwrap();
    assert_eq!(plan.containers, []);
    assert_eq!(plan.images.len(), 1);
    let in_use: BTreeMap<&str, bool> = plan
        .resources
        .iter()
        .map(|resource| (&*resource.name, resource.in_use))
        .collect();
    assert_eq!(in_use.get(&*free), Some(&false));
    assert_eq!(in_use.get(&*used), Some(&true));
    let cleared = service.apply_resources(&scene.host, plan).await.unwrap();
    for (resource, fate) in &cleared.resources {
        let stays = resource.name == used;
        assert_eq!(matches!(fate, Fate::InUse), stays, "{resource:?}: {fate:?}");
        assert_eq!(matches!(fate, Fate::Gone), !stays, "{resource:?}: {fate:?}");
    }
    assert!(matches!(cleared.images[0].1, Fate::Gone));
    assert_eq!(scene.store.pulled_images(scene.host.id).await.unwrap(), []);
    assert!(service.cancel_job(job).await.unwrap());
    let plan = service
        .plan_resources(&scene.host, everything())
        .await
        .unwrap();
    assert!(plan.resources.iter().all(|resource| !resource.in_use));
    let cleared = service.apply_resources(&scene.host, plan).await.unwrap();
    assert!(!cleared.resources.is_empty());
    let left = service
        .plan_resources(&scene.host, everything())
        .await
        .unwrap();
    assert_eq!(left.resources, []);
}

fn volume(id: &str, created_at: Option<Timestamp>) -> Resource {
    Resource {
        kind: ResourceKind::Volume,
        id: id.into(),
        name: id.into(),
        in_use: false,
        created_at,
    }
}

#[tokio::test]
async fn only_what_is_old_enough_is_planned_and_each_tells_its_fate() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::exits(0)).await;
    let pool = rig.store.pool();
    let image = "busybox:1".parse().unwrap();
    mock.tune(|knobs| {
        knobs.image(&image).on_host = false;
        let later = Timestamp::now() + Duration::from_hours(1);
        for (id, created_at) in [("old", None), ("young", Some(later)), ("odd", None)] {
            knobs.resources.push((pool, volume(id, created_at)));
        }
    });
    let pull = rig.service.pull_image(&host, &image, PullWish::default());
    pull.await.unwrap();
    let now = Timestamp::now();
    let noted = rig.store.note_pull(host.id, "?not an image?", None, now);
    noted.await.unwrap();
    let plan = rig
        .service
        .plan_resources(&host, everything())
        .await
        .unwrap();
    assert_eq!((plan.resources.len(), plan.images.len()), (2, 2));
    mock.tune(|knobs| knobs.resources.retain(|(_, known)| known.id != "old"));
    mock.disturb(Call::Inventory, 1, Mischief::Fail(Fault::Internal));
    let cleared = rig.service.apply_resources(&host, plan).await.unwrap();
    let fates: Vec<String> = cleared
        .resources
        .iter()
        .map(|(resource, fate)| match fate {
            Fate::Gone => format!("{} gone", resource.id),
            Fate::WasAbsent => format!("{} absent", resource.id),
            Fate::InUse => format!("{} in use", resource.id),
            Fate::Failed(error) => format!("{} failed: {:?}", resource.id, error.fault()),
        })
        .collect();
    assert_eq!(fates, ["old failed: Some(Internal)", "odd gone"]);
    let mut gone = cleared.images.iter().map(|(_, fate)| fate);
    assert!(gone.any(|fate| matches!(fate, Fate::Gone)));
    assert_eq!(rig.store.pulled_images(host.id).await.unwrap(), []);
}
