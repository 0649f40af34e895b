//! What a container uses, in the words of the legacy system beside the engine's own document; and
//! `get_container_stats` of a host: by id.

use longshore_core::host::Host;
use longshore_core::usage::Sample;
use longshore_executor::Statistics;
use serde_json::Value;

use crate::error::{ServiceError, Swallow};
use crate::place::Place;
use crate::service::DockerService;

const TRIED: &str = "reading the statistics failed";

/// What a running container uses at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerStats {
    /// CPU use in percent of one core.
    pub cpu_percent: f64,
    /// Memory in use in bytes, without inactive file cache.
    pub memory_usage: u64,
    /// How much memory it may use.
    pub memory_limit: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// All counters.
    pub sample: Sample,
    /// The engine's document as it was.
    pub raw: Value,
}

impl From<Statistics> for ContainerStats {
    fn from(statistics: Statistics) -> Self {
        Self {
            cpu_percent: statistics.cpu_percent,
            memory_usage: statistics.sample.memory_bytes,
            memory_limit: statistics.memory_limit_bytes,
            pids: statistics.pids,
            sample: statistics.sample,
            raw: statistics.raw,
        }
    }
}

impl DockerService {
    /// What a container of the host uses, by its id, the beginning of its id, or its name; `None` if
    /// there is none or it does not run.
    ///
    /// # Errors
    /// The host cannot be spoken to.
    pub async fn container_stats(
        &self,
        host: &Host,
        container: &str,
    ) -> Result<Option<ContainerStats>, ServiceError> {
        let place = self.place(host)?;
        Swallow::Refusals.instead(place.stats_of(container).await, None)
    }
}

impl Place {
    async fn stats_of(&self, container: &str) -> Result<Option<ContainerStats>, ServiceError> {
        let inventory = self.inventory(TRIED)?;
        let found = self.call(|| inventory.container(container)).await;
        let found = found.map_err(|error| self.error(TRIED, error))?;
        match found {
            Some(found) => self.stats(&found.handle).await,
            None => Ok(None),
        }
    }

    /// What the container uses.
    pub(crate) async fn stats(
        &self,
        handle: &longshore_core::launch::Handle,
    ) -> Result<Option<ContainerStats>, ServiceError> {
        let inventory = self.inventory(TRIED)?;
        let statistics = self.call(|| inventory.statistics(handle)).await;
        let statistics = statistics.map_err(|error| self.error(TRIED, error))?;
        Ok(statistics.map(ContainerStats::from))
    }
}
