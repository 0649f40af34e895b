//! A container that the legacy system started and that runs on in our charge.

use std::time::Instant;

use futures::TryStreamExt;
use jiff::Timestamp;
use longshore_core::job::AttemptRecord;
use longshore_core::limits::OBSERVE_PERIOD;
use longshore_core::log::Frame;
use longshore_core::{AttemptId, JobId};
use longshore_store::{ImportedJob, ImportedState, LogQuery};
use longshore_testkit::{DEMO_IMAGE, eventually_async};
use uuid::Uuid;

use crate::rig::{PATIENCE, text};
use crate::scene::{Scene, script};

/// Runs until the file is there.
const SCRIPT: &str = "echo ready; while [ ! -e /go ]; do usleep 10000; done; echo gone; exit 7";

/// A container without any label of ours, and the job that it is taken over with.
struct Old<'a> {
    scene: &'a Scene,
    id: String,
    job: JobId,
}

impl<'a> Old<'a> {
    async fn start(scene: &'a Scene) -> Self {
        let words = ["run", "--detach", DEMO_IMAGE, "sh", "-c", SCRIPT];
        let id = scene.engine.docker(words).unwrap();
        let job = JobId::new(Uuid::now_v7());
        let (client, now) = (
            scene.service.get_client(&scene.host).await,
            Timestamp::now(),
        );
        let client = client.unwrap();
        let imported = ImportedJob {
            id: job,
            spec: script(SCRIPT),
            created_at: now,
            queued_at: None,
            not_before: None,
            state: ImportedState::Running {
                attempt: AttemptId::new(Uuid::now_v7()),
                host: scene.host.id,
                handle: client.inventory().unwrap().to_handle(&id),
                started_at: now,
            },
            message: None,
            retries_used: 0,
        };
        scene.store.import(&[imported], now).await.unwrap();
        Self { scene, id, job }
    }

    async fn kept(&self) -> String {
        let AttemptRecord { id, .. } = self.scene.attempt(self.job).await;
        let frames = self.scene.store.logs().read(id, LogQuery::default());
        let frames: Vec<Frame> = frames.try_collect().await.unwrap();
        text(&frames)
    }
}

impl Drop for Old<'_> {
    fn drop(&mut self) {
        let _ = self.scene.engine.docker(["rm", "--force", &self.id]);
    }
}

#[tokio::test]
async fn whoever_waits_for_an_old_container_hears_of_its_end_at_once() {
    let scene = Scene::keeping().await;
    let old = Old::start(&scene).await;
    let ended = async {
        // Whoever waits has begun to keep its log.
        eventually_async("the log is kept", PATIENCE, || async {
            old.kept().await.contains("ready")
        })
        .await;
        let began = Instant::now();
        let touch = ["exec", &old.id, "touch", "/go"];
        // The container may end, and the command with it, before that is told.
        let _ = scene.engine.docker(touch);
        began
    };
    let waited = async {
        let code = scene.service.wait_for_container(old.job, None).await;
        (code.unwrap(), Instant::now())
    };
    let (began, (code, heard)) = tokio::join!(ended, waited);
    assert_eq!(code, Some(7));
    // None of its events bears our label: only its output tells.
    assert!(heard.duration_since(began) < OBSERVE_PERIOD / 3);
    assert_eq!(old.kept().await, "ready\ngone\n");
    assert_eq!(scene.standing(old.job).await, "failed exit(7)");
}
