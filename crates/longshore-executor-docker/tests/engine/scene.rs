//! One executor, one engine and a pool of its own; what the pool made is gone afterwards.

use std::time::Duration;

use futures::StreamExt;
use longshore_core::attempt::{Exit, Observed};
use longshore_core::host::Endpoint;
use longshore_core::launch::{Handle, LABEL_POOL, Launch};
use longshore_core::log::{Frame, Stream};
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_executor::{Executor, LogRange};
use longshore_executor_docker::{Deadlines, DockerExecutor, DockerOptions};
use longshore_testkit::{
    DEMO_IMAGE, EngineAccess, FaultProxy, eventually_async, load_demo_image, shared_engine,
};
use serde_json::Value;
use uuid::Uuid;

/// Whatever takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Scene {
    pub(crate) engine: EngineAccess,
    pub(crate) executor: DockerExecutor,
    pub(crate) pool: PoolId,
}

impl Scene {
    /// On the engine that tests share.
    pub(crate) fn shared() -> Self {
        Self::on(&shared_engine())
    }

    /// On this engine.
    pub(crate) fn on(engine: &EngineAccess) -> Self {
        Self::by(engine, executor(engine.docker_host()))
    }

    /// On the shared engine, with a proxy between.
    pub(crate) fn through(proxy: &FaultProxy) -> Self {
        Self::by(&shared_engine(), executor(&proxy.docker_host()))
    }

    pub(crate) fn by(engine: &EngineAccess, executor: DockerExecutor) -> Self {
        load_demo_image(engine).unwrap();
        Self {
            engine: engine.clone(),
            executor,
            pool: PoolId::new(Uuid::new_v4()),
        }
    }

    /// A new attempt that runs these arguments.
    pub(crate) fn launch(&self, argv: &[&str]) -> Launch {
        self.launch_of(JobSpec {
            command: argv.iter().copied().collect(),
            ..demo_spec()
        })
    }

    /// A new attempt that runs this script.
    pub(crate) fn script(&self, script: &str) -> Launch {
        self.launch(&["sh", "-c", script])
    }

    /// A new attempt of this spec.
    pub(crate) fn launch_of(&self, spec: JobSpec) -> Launch {
        Launch {
            pool: self.pool,
            job: JobId::new(Uuid::now_v7()),
            attempt: AttemptId::new(Uuid::now_v7()),
            host: "test-host".to_owned(),
            image: spec.image.clone(),
            spec,
            legacy: None,
        }
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

    /// Its frames, from the first to the last.
    pub(crate) async fn frames(&self, handle: &Handle, range: LogRange) -> Vec<Frame> {
        let stream = self.executor.logs(handle, range).await.unwrap();
        stream.map(Result::unwrap).collect().await
    }

    /// What `docker inspect` says of a container.
    pub(crate) fn inspected(&self, handle: &Handle) -> Value {
        let text = self.engine.docker(["inspect", &handle.content]).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// The ids of all containers of the pool, by the engine's own client.
    pub(crate) fn containers(&self) -> Vec<String> {
        let filter = format!("label={LABEL_POOL}={}", self.pool);
        let args = ["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter];
        self.engine
            .docker(args)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !self.engine.answers() {
            return;
        }
        for id in self.containers() {
            let _ = self.engine.docker(["rm", "--force", "--volumes", &id]);
        }
    }
}

/// An executor for this address.
pub(crate) fn executor(address: &str) -> DockerExecutor {
    executor_with(address, DockerOptions::default())
}

/// An executor for this address that gives up early.
pub(crate) fn impatient_executor(address: &str, limit: Duration) -> DockerExecutor {
    let deadlines = Deadlines {
        control: limit,
        launch: limit,
        probe: limit,
        usage: limit,
        ..Deadlines::default()
    };
    executor_with(
        address,
        DockerOptions {
            deadlines,
            ..DockerOptions::default()
        },
    )
}

pub(crate) fn executor_with(address: &str, options: DockerOptions) -> DockerExecutor {
    DockerExecutor::new(&endpoint(address), options).unwrap()
}

pub(crate) fn endpoint(address: &str) -> Endpoint {
    Endpoint {
        address: address.to_owned(),
        tls: None,
    }
}

/// A spec of the demo image with every wish left open.
pub(crate) fn demo_spec() -> JobSpec {
    JobSpec::new(DEMO_IMAGE.parse().unwrap())
}

/// All bytes of one stream.
pub(crate) fn bytes_of(frames: &[Frame], stream: Stream) -> Vec<u8> {
    let of_stream = frames.iter().filter(|frame| frame.stream == stream);
    of_stream
        .flat_map(|frame| frame.bytes.iter().copied())
        .collect()
}
