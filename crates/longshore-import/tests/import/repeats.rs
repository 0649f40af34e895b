//! Imports that only look, that are repeated, and that meet what is here already.

use futures::StreamExt;
use longshore_core::AttemptId;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::log::{Frame, Stream};
use longshore_core::{HostId, limits};
use longshore_import::{Doing, Report};
use longshore_store::{EventFilter, JobFilter, LogQuery, LogWriter};
use longshore_testkit::LegacyRelease;
use uuid::Uuid;

use crate::world::{Kind, World, id, now, said};

pub(crate) async fn a_repeated_import_adds_nothing(world: &World, first: &Report) {
    let events = world.store.last_event_sequence().await.unwrap();
    let again = world.import(Doing::Apply).await.unwrap();
    for (first, again) in [
        (&first.hosts, &again.hosts),
        (&first.templates, &again.templates),
        (&first.jobs, &again.jobs),
    ] {
        assert_eq!((again.taken, again.already_there), (0, first.taken));
        assert_eq!(again.not_taken, first.not_taken);
        assert_eq!(again.changed, []);
    }
    assert_eq!(world.store.last_event_sequence().await.unwrap(), events);
}

async fn sqlite() -> World {
    World::new(LegacyRelease::Last, Kind::Sqlite).await
}

#[tokio::test]
async fn an_import_that_only_looks_says_the_same_and_takes_nothing() {
    let world = sqlite().await;
    let plan = world.import(Doing::Plan).await.unwrap();
    assert!(world.store.hosts().await.unwrap().is_empty());
    assert!(world.store.templates().await.unwrap().is_empty());
    let jobs = world.store.jobs(&JobFilter::default()).await.unwrap();
    assert!(jobs.is_empty());
    assert_eq!(world.import(Doing::Apply).await.unwrap(), plan);
}

#[tokio::test]
async fn a_host_and_a_template_of_ours_stay_as_they_are() {
    let world = sqlite().await;
    let ours = Host {
        id: HostId::new(Uuid::now_v7()),
        name: "local".into(),
        kind: HostKind::Docker,
        endpoint: Endpoint {
            address: "unix:///elsewhere.sock".into(),
            tls: None,
        },
        state: HostState::Active,
        slots: 1,
        weight: 1,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: std::collections::BTreeMap::new(),
        created_at: now(),
        updated_at: now(),
    };
    world.store.add_host(&ours).await.unwrap();
    let saved = world.store.save_template("base", "A=ours", None, now());
    saved.await.unwrap();
    let report = world.import(Doing::Apply).await.unwrap();
    assert_eq!(world.store.host_by_name("local").await.unwrap(), ours);
    assert_eq!(world.store.template("base").await.unwrap().text, "A=ours");
    let told = said(&report.hosts.changed, "local").concat();
    assert!(
        told.contains("elsewhere.sock") && told.contains("docker.sock"),
        "{told}"
    );
    assert_eq!(said(&report.templates.changed, "base").len(), 1);
    assert_eq!(world.job(7).await.host, Some(ours.id));
    // Jobs have had the old text.
    let spec = serde_json::to_value(&world.job(1).await.spec).unwrap();
    assert_eq!(spec["env"]["A"], "template");
}

#[tokio::test]
async fn a_log_that_a_stopped_import_left_is_written_anew() {
    let world = sqlite().await;
    let attempt = AttemptId::new(id(1).uuid());
    let half = Frame {
        stream: Stream::Stdout,
        at: now(),
        bytes: "half".into(),
    };
    let log = LogWriter::open(world.store.logs(), attempt, limits::LOG_LIMIT_BYTES);
    let mut log = log.await.unwrap();
    log.append(half).await.unwrap();
    log.finish().await.unwrap();
    world.import(Doing::Apply).await.unwrap();
    let frames = world.store.logs().read(attempt, LogQuery::default());
    assert_eq!(frames.count().await, 4);
}

#[tokio::test]
async fn what_was_imported_stands_in_the_timeline() {
    let world = sqlite().await;
    world.import(Doing::Apply).await.unwrap();
    let filter = EventFilter {
        job: Some(id(2)),
        ..EventFilter::default()
    };
    let events = world.store.events(filter).await.unwrap();
    let told: Vec<String> = events
        .iter()
        .map(|event| format!("{} {}", event.kind, event.detail))
        .collect();
    assert_eq!(told, ["imported failed exit(3)"]);
}
