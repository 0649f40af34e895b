//! A pool whose one host is a real engine; what it makes there is gone afterwards.

use std::ops::Deref;

use longshore_core::host::Host;
use longshore_core::launch::LABEL_POOL;
use longshore_core::spec::JobSpec;
use longshore_core::{JobId, PoolId};
use longshore_service::ServiceOptions;
use longshore_testkit::{DEMO_IMAGE, EngineAccess, FaultProxy, load_demo_image, shared_engine};
use serde_json::Value;

use crate::rig::Rig;

pub(crate) struct Scene {
    pub(crate) rig: Rig,
    pub(crate) host: Host,
    pub(crate) engine: EngineAccess,
}

impl Scene {
    /// On the engine that tests share.
    pub(crate) async fn new() -> Self {
        Self::with(ServiceOptions::default()).await
    }

    /// Containers are never removed by themselves.
    pub(crate) async fn keeping() -> Self {
        Self::with(ServiceOptions {
            immediate_cleanup: false,
            ..ServiceOptions::default()
        })
        .await
    }

    pub(crate) async fn with(options: ServiceOptions) -> Self {
        let engine = shared_engine();
        let address = engine.docker_host().to_owned();
        Self::at(engine, &address, options).await
    }

    /// On the shared engine, with a proxy between.
    pub(crate) async fn through(proxy: &FaultProxy) -> Self {
        let options = ServiceOptions::default();
        Self::at(shared_engine(), &proxy.docker_host(), options).await
    }

    pub(crate) async fn at(engine: EngineAccess, address: &str, options: ServiceOptions) -> Self {
        load_demo_image(&engine).unwrap();
        let rig = Rig::with(options).await;
        let host = rig.engine(address).await;
        Self { rig, host, engine }
    }

    /// Lets the host be where nobody answers.
    pub(crate) async fn lose_host(&mut self) {
        self.host.endpoint.address = "unix:///nowhere/docker.sock".into();
        self.rig.update(&mut self.host).await;
    }

    /// What `docker inspect` says of the job's container.
    pub(crate) async fn inspected(&self, job: JobId) -> Value {
        let handle = self.rig.attempt(job).await.handle.unwrap();
        let text = self.engine.docker(["inspect", &handle.content]).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// Does something to the job's container with the engine's own client.
    pub(crate) async fn docker(&self, job: JobId, args: &[&str]) {
        let handle = self.rig.attempt(job).await.handle.unwrap();
        let args = args.iter().copied().chain([handle.content.as_str()]);
        self.engine.docker(args).unwrap();
    }

    /// The names of all containers of the pool, by the engine's own client.
    pub(crate) fn containers(&self) -> Vec<String> {
        containers_of(&self.engine, self.rig.store.pool())
    }
}

impl Deref for Scene {
    type Target = Rig;
    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let left = self.containers();
        if !left.is_empty() {
            let args = ["rm", "--force", "--volumes"].map(str::to_owned);
            let _ = self.engine.docker(args.into_iter().chain(left));
        }
    }
}

pub(crate) fn containers_of(engine: &EngineAccess, pool: PoolId) -> Vec<String> {
    let filter = format!("label={LABEL_POOL}={pool}");
    let args = ["ps", "--all", "--format", "{{.Names}}", "--filter", &filter];
    let listed = engine.docker(args).unwrap_or_default();
    listed.lines().map(str::to_owned).collect()
}

/// A job of the demo image that runs this script.
pub(crate) fn script(script: &str) -> JobSpec {
    JobSpec {
        command: ["sh", "-c", script].into_iter().collect(),
        ..JobSpec::new(DEMO_IMAGE.parse().unwrap())
    }
}

/// A job that runs until it is stopped.
pub(crate) fn forever() -> JobSpec {
    script("trap 'exit 143' TERM; while :; do sleep 1 & wait; done")
}
