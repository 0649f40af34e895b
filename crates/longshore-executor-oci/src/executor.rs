//! The port, one file a verb.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;
use longshore_core::host::{EmbeddedFolder, Endpoint, HostFacts, NoEmbeddedFolder};
use longshore_core::launch::{Handle, Launch, container_name};
use longshore_core::log::Frame;
use longshore_core::share::Share;
use longshore_core::spec::JobSpec;
use longshore_core::usage::Sample;
use longshore_core::{AttemptId, PoolId, limits};
use longshore_executor::{
    Capabilities, Executor, ExecutorError, Force, HostEvent, Images, Inventory, Listed, LogRange,
    Owned, Removed, Resource, Statistics, UsageMeter, Which,
};

use crate::ground::Ground;
use crate::handle::{ContainerId, handle};
use crate::images::OciImages;
use crate::opened::Opened;
use crate::options::OciOptions;
use crate::{
    create, ending, events, listing, logs, observe, probe, refusals, resources, start, statistics,
    tags, usage,
};

/// Runs containers on this machine, without an engine. Cheap to make: nothing is touched until the
/// first call.
pub struct OciExecutor {
    ground: Arc<Ground>,
    images: OciImages,
}

impl OciExecutor {
    /// An executor for the folder that `endpoint` names.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn new(endpoint: &Endpoint, options: OciOptions) -> Result<Self, ExecutorError> {
        let folder: EmbeddedFolder =
            endpoint.address.parse().map_err(|why: NoEmbeddedFolder| {
                let text = format!("{why}: {}", NoEmbeddedFolder::HINT);
                ExecutorError::new(Fault::Configuration, text)
            })?;
        let ground = Arc::new(Ground::new(folder.path().to_owned(), options));
        let images = OciImages::new(Arc::clone(&ground));
        Ok(Self { ground, images })
    }

    /// What is done to one container, or read of it.
    async fn of<T: Send + 'static>(
        &self,
        handle: &Handle,
        (deadline, verb): (std::time::Duration, &str),
        work: impl FnOnce(&Opened, &ContainerId) -> Result<T, ExecutorError> + Send + 'static,
    ) -> Result<T, ExecutorError> {
        let id = ContainerId::of(handle)?;
        let tried = format!("{verb} container {id}");
        let work = move |opened: &Opened| work(opened, &id);
        self.ground.call(deadline, &tried, work).await
    }
}

#[async_trait]
impl Executor for OciExecutor {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resource_limits: true,
            networking: false,
            volumes: true,
            bind_mounts: true,
            gpu: false,
        }
    }

    fn unsupported(&self, spec: &JobSpec) -> Vec<String> {
        refusals::refusals(spec, &self.ground.means(), self.ground.root())
    }

    async fn probe(&self) -> Result<HostFacts, ExecutorError> {
        probe::probe(&self.ground).await
    }

    async fn find(&self, attempt: AttemptId) -> Result<Option<Handle>, ExecutorError> {
        let name = container_name(attempt);
        let tried = format!("look for container {name}");
        let found = self
            .ground
            .call(limits::CONTROL_CALL, &tried, move |opened| {
                let found = opened.container(&name)?;
                let own = found.filter(|(config, _)| tags::attempt_of(config) == Some(attempt));
                Ok(own.map(|(_, tags)| tags.id.handle()))
            });
        found.await
    }

    async fn create(&self, launch: &Launch) -> Result<Handle, ExecutorError> {
        let launch = launch.clone();
        let tried = format!("create container {}", launch.container_name());
        let create = move |opened: &Opened| create::create(opened, &launch);
        self.ground.call(limits::LAUNCH_CALL, &tried, create).await
    }

    async fn start(&self, handle: &Handle) -> Result<(), ExecutorError> {
        let call = (limits::LAUNCH_CALL, "start");
        self.of(handle, call, start::start).await
    }

    fn follows_to_the_end(&self) -> bool {
        true
    }

    async fn observe(&self, handle: &Handle) -> Result<Observed, ExecutorError> {
        let call = (limits::CONTROL_CALL, "look at");
        self.of(handle, call, observe::observe).await
    }

    async fn events(
        &self,
        pool: PoolId,
    ) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError> {
        events::events(&self.ground, pool).await
    }

    async fn logs(
        &self,
        handle: &Handle,
        range: LogRange,
    ) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError> {
        logs::logs(&self.ground, ContainerId::of(handle)?, range).await
    }

    /// Never: there is no engine. A supervisor that is gone took its container along, which shows.
    async fn restarted_since(
        &self,
        _: &Handle,
        _: Option<Timestamp>,
    ) -> Result<bool, ExecutorError> {
        Ok(false)
    }

    /// The record of the end itself says who asked for it.
    async fn was_signalled(&self, _: &Handle, _: Timestamp) -> Result<bool, ExecutorError> {
        Ok(false)
    }

    async fn stop(&self, handle: &Handle, grace_secs: u32) -> Result<(), ExecutorError> {
        ending::stop(&self.ground, &ContainerId::of(handle)?, grace_secs).await
    }

    async fn remove(&self, handle: &Handle, force: Force) -> Result<Removed, ExecutorError> {
        let call = (limits::REMOVE_CALL, "remove");
        let remove = move |opened: &Opened, id: &ContainerId| ending::remove(opened, id, force);
        self.of(handle, call, remove).await
    }

    async fn list_owned(&self, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
        let list = move |opened: &Opened| listing::list_owned(opened, pool);
        let tried = format!("list containers of pool {pool}");
        self.ground.call(limits::CONTROL_CALL, &tried, list).await
    }

    fn images(&self) -> Option<&dyn Images> {
        Some(&self.images)
    }

    fn usage(&self) -> Option<&dyn UsageMeter> {
        Some(self)
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }
}

#[async_trait]
impl Inventory for OciExecutor {
    async fn containers(&self, which: Which) -> Result<Vec<Listed>, ExecutorError> {
        let list = move |opened: &Opened| listing::containers(opened, which);
        let listed = self
            .ground
            .call(limits::CONTROL_CALL, "list containers", list);
        listed.await
    }

    async fn container(&self, name: &str) -> Result<Option<Listed>, ExecutorError> {
        let (name, tried) = (name.to_owned(), format!("look for container {name}"));
        let look = move |opened: &Opened| listing::container(opened, &name);
        self.ground.call(limits::CONTROL_CALL, &tried, look).await
    }

    async fn statistics(&self, handle: &Handle) -> Result<Option<Statistics>, ExecutorError> {
        statistics::statistics(&self.ground, &ContainerId::of(handle)?).await
    }

    async fn limits(&self, handle: &Handle) -> Result<Option<Share>, ExecutorError> {
        let call = (limits::CONTROL_CALL, "look at the limits of");
        self.of(handle, call, listing::limits).await
    }

    async fn resources(&self, pool: PoolId) -> Result<Vec<Resource>, ExecutorError> {
        let list = move |opened: &Opened| resources::resources(opened, pool);
        let tried = format!("list what pool {pool} left");
        self.ground.call(limits::CONTROL_CALL, &tried, list).await
    }

    async fn remove_resource(&self, resource: &Resource) -> Result<Removed, ExecutorError> {
        let tried = format!("remove {} {}", resource.kind, resource.name);
        let resource = resource.clone();
        let remove = move |opened: &Opened| resources::remove(opened, &resource);
        self.ground.call(limits::REMOVE_CALL, &tried, remove).await
    }

    fn to_handle(&self, engine_id: &str) -> Handle {
        handle(engine_id)
    }

    fn id_of(&self, handle: &Handle) -> String {
        handle.content.clone()
    }
}

#[async_trait]
impl UsageMeter for OciExecutor {
    async fn sample(&self, handle: &Handle) -> Result<Option<Sample>, ExecutorError> {
        let call = (limits::USAGE_CALL, "read the counters of");
        self.of(handle, call, usage::sample).await
    }

    async fn totals(&self, handle: &Handle) -> Result<Option<Sample>, ExecutorError> {
        if let Some(ended) = self.ground.opened().await?.ends.take(handle) {
            return Ok(usage::of_all(&ended));
        }
        let call = (limits::USAGE_CALL, "read what was used by");
        self.of(handle, call, usage::totals).await
    }
}
