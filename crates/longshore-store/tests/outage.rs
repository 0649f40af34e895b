//! A database server that goes away, and connections that break in the middle.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use longshore_core::outcome::JobStatus;
use longshore_store::{Location, Served, Store, StoreError};
use longshore_testkit::{CutProxy, Postgres};
use tempfile::TempDir;

#[path = "contract/world.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use world::{at, new_job, spec, submit};

/// No test waits longer than this for what must happen.
const SOON: Duration = Duration::from_secs(20);

/// A server of its own, a proxy before it, and one database.
struct Scene {
    server: Postgres,
    proxy: CutProxy,
    database: String,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let server = Postgres::start().unwrap();
        let proxy = CutProxy::start(server.port()).unwrap();
        let database = server.create_database().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            server,
            proxy,
            database,
            folder,
        }
    }

    /// A store that knows no proxy.
    async fn direct(&self) -> Store {
        open(&self.database, &self.folder.path().join("logs"))
            .await
            .unwrap()
    }

    /// A store behind the proxy.
    async fn proxied(&self) -> Store {
        let (server, proxy) = (self.server.port(), self.proxy.port());
        let url = self
            .database
            .replace(&format!(":{server}/"), &format!(":{proxy}/"));
        open(&url, &self.folder.path().join("logs")).await.unwrap()
    }
}

async fn open(url: &str, logs: &Path) -> Result<Store, StoreError> {
    let served = Served {
        database: url.parse().unwrap(),
        logs: logs.into(),
        local: None,
    };
    Store::open_at(&Location::Server(served)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_unsure_and_may_stand() {
    let scene = Scene::new();
    let (store, direct) = (scene.proxied().await, scene.direct().await);
    scene.proxy.lose_answer_to("COMMIT");
    let job = new_job(spec());
    let said = store.submit(std::slice::from_ref(&job), at(0)).await;
    assert!(matches!(said, Err(StoreError::Unsure { .. })), "{said:?}");
    assert_eq!(scene.proxy.lost(), 1);
    assert_eq!(direct.job(job.id).await.unwrap().status, JobStatus::Queued);
    // Said again on a new connection, it changes nothing.
    let again = store.submit(&[job], at(1)).await.unwrap();
    assert!(!again[0].is_new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_before_the_commit_changes_nothing() {
    let scene = Scene::new();
    let (store, direct) = (scene.proxied().await, scene.direct().await);
    scene.proxy.lose_answer_to("INSERT INTO events");
    let job = new_job(spec());
    let said = store.submit(std::slice::from_ref(&job), at(0)).await;
    assert!(
        matches!(said, Err(StoreError::Unreachable { .. })),
        "{said:?}"
    );
    assert!(direct.job(job.id).await.is_err());
    assert!(store.submit(&[job], at(1)).await.unwrap()[0].is_new);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_cut_while_nobody_used_them_are_opened_again() {
    let scene = Scene::new();
    let store = scene.proxied().await;
    let job = submit(&store, spec(), at(0)).await;
    store.job(job).await.unwrap();
    scene.proxy.cut();
    submit(&store, spec(), at(1)).await;
    assert_eq!(store.job(job).await.unwrap().status, JobStatus::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_a_moment_is_waited_for() {
    let mut scene = Scene::new();
    let store = scene.direct().await;
    let before = submit(&store, spec(), at(0)).await;
    scene.server.strike_down();
    let both = async {
        let resumed = async { scene.server.resume().unwrap() };
        let (after, ()) = tokio::join!(submit(&store, spec(), at(1)), resumed);
        after
    };
    let after = tokio::time::timeout(SOON, both).await.unwrap();
    for job in [before, after] {
        assert_eq!(store.job(job).await.unwrap().status, JobStatus::Queued);
    }
}

#[tokio::test]
async fn a_server_that_stays_away_fails_what_is_asked_and_nothing_more() {
    let scene = Scene::new();
    let store = scene.proxied().await;
    let job = submit(&store, spec(), at(0)).await;
    scene.proxy.cut_off();
    // Nobody has to sit through the store's patience.
    tokio::time::pause();
    let (read, written) = (
        store.job(job).await,
        store.submit(&[new_job(spec())], at(1)).await,
    );
    tokio::time::resume();
    assert!(
        matches!(read, Err(StoreError::Unreachable { .. })),
        "{read:?}"
    );
    assert!(
        matches!(written, Err(StoreError::Unreachable { .. })),
        "{written:?}"
    );
    scene.proxy.heal();
    submit(&store, spec(), at(2)).await;
    assert_eq!(store.counts().await.unwrap()[1], (JobStatus::Queued, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_heard_again_after_a_cut() {
    let scene = Scene::new();
    let (store, direct) = (scene.proxied().await, scene.direct().await);
    let mut changes = store.changes();
    for count in 1..=3 {
        scene.proxy.cut();
        submit(&direct, spec(), at(count)).await;
        let count = u64::try_from(count).unwrap();
        while store.counts().await.unwrap()[1].1 < count {
            tokio::time::timeout(SOON, changes.changed()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_another_folder_than_those_of_the_pool_are_refused() {
    let scene = Scene::new();
    drop(scene.direct().await);
    let elsewhere = scene.folder.path().join("elsewhere");
    let error = open(&scene.database, &elsewhere).await.err().unwrap();
    assert!(matches!(error, StoreError::OtherLogs { .. }), "{error:?}");
    let logs = scene.folder.path().join("logs");
    let moved = scene.folder.path().join("moved");
    std::fs::rename(&logs, &moved).unwrap();
    assert!(open(&scene.database, &moved).await.is_ok());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_at_once() {
    let logs = tempfile::tempdir().unwrap();
    let error = open("postgres://nobody@127.0.0.1:1/none", logs.path()).await;
    let error = error.err().unwrap();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
}
