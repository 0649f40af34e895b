//! The port, one file a verb.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use longshore_core::attempt::Observed;
use longshore_core::host::{Endpoint, HostFacts};
use longshore_core::launch::{Handle, Launch, container_name};
use longshore_core::log::Frame;
use longshore_core::share::Share;
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, PoolId};
use longshore_executor::{
    Capabilities, Executor, ExecutorError, Force, HostEvent, Images, Inventory, Listed, LogRange,
    Owned, Removed, Resource, Statistics, UsageMeter, Which,
};

use crate::client::Client;
use crate::handle::{container_id, handle};
use crate::images::DockerImages;
use crate::options::DockerOptions;
use crate::start::Past;
use crate::{
    create, ending, events, listing, logs, memory, observe, probe, resources, start, statistics,
    usage,
};

/// Containers that were made and not started yet; beyond it all are looked at before their start.
const FRESH_MAX: usize = 4096;

/// Runs containers on one Docker Engine. Cheap to make: nothing is sent until the first call, so a
/// host that is down is an error of that call.
pub struct DockerExecutor {
    client: Arc<Client>,
    images: DockerImages,
    /// Ids of containers that this process made and never started: they need no look.
    fresh: Mutex<HashSet<String>>,
}

impl DockerExecutor {
    /// An executor for the engine at `endpoint`.
    ///
    /// # Errors
    /// When the address cannot be read, or TLS is set by halves or with files that cannot be read.
    pub fn new(endpoint: &Endpoint, options: DockerOptions) -> Result<Self, ExecutorError> {
        let client = Arc::new(Client::new(endpoint, &options)?);
        let images = DockerImages::new(Arc::clone(&client), options.docker_config);
        Ok(Self {
            client,
            images,
            fresh: Mutex::default(),
        })
    }

    fn remember_fresh(&self, id: &str) {
        let mut fresh = self.fresh.lock().expect("no holder panics");
        if fresh.len() >= FRESH_MAX {
            fresh.clear();
        }
        fresh.insert(id.to_owned());
    }

    fn past_of(&self, id: &str) -> Past {
        let is_fresh = self.fresh.lock().expect("no holder panics").remove(id);
        if is_fresh { Past::None } else { Past::Unknown }
    }
}

#[async_trait]
impl Executor for DockerExecutor {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resource_limits: true,
            networking: true,
            volumes: true,
            bind_mounts: true,
            gpu: true,
        }
    }

    fn unsupported(&self, _: &JobSpec) -> Vec<String> {
        // The words of the spec are those of `docker run`. What one host lacks, such as a GPU, is
        // known only when it says so.
        Vec::new()
    }

    async fn probe(&self) -> Result<HostFacts, ExecutorError> {
        probe::probe(&self.client).await
    }

    async fn find(&self, attempt: AttemptId) -> Result<Option<Handle>, ExecutorError> {
        let found = observe::inspect(&self.client, &container_name(attempt)).await?;
        Ok(found
            .filter(|found| found.is_of_attempt(attempt))
            .map(|found| handle(found.id)))
    }

    async fn create(&self, launch: &Launch) -> Result<Handle, ExecutorError> {
        let created = create::create(&self.client, launch).await?;
        if created.is_new {
            self.remember_fresh(&created.id);
        }
        Ok(handle(created.id))
    }

    async fn start(&self, handle: &Handle) -> Result<(), ExecutorError> {
        let id = container_id(handle)?;
        start::start(&self.client, id, self.past_of(id)).await
    }

    async fn observe(&self, handle: &Handle) -> Result<Observed, ExecutorError> {
        memory::observe(&self.client, container_id(handle)?).await
    }

    async fn events(
        &self,
        pool: PoolId,
    ) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError> {
        events::events(&self.client, pool).await
    }

    async fn logs(
        &self,
        handle: &Handle,
        range: LogRange,
    ) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError> {
        logs::logs(&self.client, container_id(handle)?, range).await
    }

    async fn restarted_since(
        &self,
        handle: &Handle,
        since: Option<Timestamp>,
    ) -> Result<bool, ExecutorError> {
        memory::restarted_since(&self.client, container_id(handle)?, since).await
    }

    async fn was_signalled(
        &self,
        handle: &Handle,
        until: Timestamp,
    ) -> Result<bool, ExecutorError> {
        memory::was_signalled(&self.client, container_id(handle)?, until).await
    }

    async fn stop(&self, handle: &Handle, grace_secs: u32) -> Result<(), ExecutorError> {
        ending::stop(&self.client, container_id(handle)?, grace_secs).await
    }

    async fn remove(&self, handle: &Handle, force: Force) -> Result<Removed, ExecutorError> {
        ending::remove(&self.client, container_id(handle)?, force).await
    }

    async fn list_owned(&self, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
        listing::list_owned(&self.client, pool).await
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
impl Inventory for DockerExecutor {
    async fn containers(&self, which: Which) -> Result<Vec<Listed>, ExecutorError> {
        listing::containers(&self.client, which).await
    }

    async fn container(&self, name: &str) -> Result<Option<Listed>, ExecutorError> {
        listing::container(&self.client, name).await
    }

    async fn statistics(&self, handle: &Handle) -> Result<Option<Statistics>, ExecutorError> {
        statistics::statistics(&self.client, container_id(handle)?).await
    }

    async fn limits(&self, handle: &Handle) -> Result<Option<Share>, ExecutorError> {
        observe::limits(&self.client, container_id(handle)?).await
    }

    async fn resources(&self, pool: PoolId) -> Result<Vec<Resource>, ExecutorError> {
        resources::resources(&self.client, pool).await
    }

    async fn remove_resource(&self, resource: &Resource) -> Result<Removed, ExecutorError> {
        resources::remove(&self.client, resource).await
    }

    fn to_handle(&self, engine_id: &str) -> Handle {
        handle(engine_id.to_owned())
    }

    fn id_of(&self, handle: &Handle) -> String {
        handle.content.clone()
    }
}

#[async_trait]
impl UsageMeter for DockerExecutor {
    async fn sample(
        &self,
        handle: &Handle,
    ) -> Result<Option<longshore_core::usage::Sample>, ExecutorError> {
        usage::sample(&self.client, container_id(handle)?).await
    }

    /// The engine forgets the counters of what has ended.
    async fn totals(
        &self,
        _handle: &Handle,
    ) -> Result<Option<longshore_core::usage::Sample>, ExecutorError> {
        Ok(None)
    }
}
