//! One executor, a host of its own, and a pool.

use std::time::Duration;

use futures::StreamExt;
use longshore_core::attempt::{Exit, Observed};
use longshore_core::launch::{Handle, Launch};
use longshore_core::log::{Frame, Stream};
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_executor::{Executor, LogRange};
use longshore_executor_oci::OciExecutor;
use longshore_testkit::eventually_async;
use uuid::Uuid;

use crate::root::{Root, demo_image};

/// Whatever takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) executor: OciExecutor,
    pub(crate) pool: PoolId,
    pub(crate) root: Root,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let root = Root::new();
        Self {
            executor: root.with_image().await,
            pool: PoolId::new(Uuid::new_v4()),
            root,
        }
    }

    /// A new attempt of a spec of the demo image.
    pub(crate) fn launch(&self, change: impl FnOnce(&mut JobSpec)) -> Launch {
        let mut spec = JobSpec::new(demo_image());
        change(&mut spec);
        Launch {
            pool: self.pool,
            job: JobId::new(Uuid::now_v7()),
            attempt: AttemptId::new(Uuid::now_v7()),
            host: "here".to_owned(),
            image: spec.image.clone(),
            spec,
            legacy: None,
        }
    }

    /// A new attempt that runs this script.
    pub(crate) fn script(&self, script: &str) -> Launch {
        self.launch(|spec| spec.command = ["sh", "-c", script].into_iter().collect())
    }

    /// Creates and starts it.
    pub(crate) async fn started(&self, launch: &Launch) -> Handle {
        let handle = self.executor.create(launch).await.unwrap();
        self.executor.start(&handle).await.unwrap();
        handle
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self, handle: &Handle) -> Exit {
        eventually_async("the container has ended", PATIENCE, || async {
            match self.executor.observe(handle).await {
                Ok(Observed::Exited(exit)) => Ok(exit),
                other => Err(other),
            }
        })
        .await
    }

    /// Runs it to its end.
    pub(crate) async fn ran(&self, launch: &Launch) -> (Handle, Exit) {
        let handle = self.started(launch).await;
        let exit = self.ended(&handle).await;
        (handle, exit)
    }

    /// What it printed to its standard output.
    pub(crate) async fn printed(&self, handle: &Handle) -> String {
        let frames = frames(&self.executor, handle, LogRange::All).await;
        let own = frames.iter().filter(|frame| frame.stream == Stream::Stdout);
        let bytes: Vec<u8> = own.flat_map(|frame| frame.bytes.iter().copied()).collect();
        String::from_utf8(bytes).unwrap()
    }
}

/// The frames of a log.
pub(crate) async fn frames(executor: &OciExecutor, handle: &Handle, range: LogRange) -> Vec<Frame> {
    let stream = executor.logs(handle, range).await.unwrap();
    stream.map(Result::unwrap).collect().await
}
