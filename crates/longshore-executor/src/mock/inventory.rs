//! The inventory of a mock host: its containers as lists show them, and their statistics.

use async_trait::async_trait;
use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::attempt::Exit;
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::share::Share;
use longshore_core::spec::ByteSize;
use longshore_core::usage::Sample;
use serde_json::{Value, json};

use super::container::{self, Container, Stage};
use super::knobs::Call;
use super::port::sample;
use super::world::World;
use super::{MockExecutor, resources};
use crate::{
    ContainerState, ExecutorError, Inventory, Listed, Removed, Resource, Statistics, Which,
};

#[async_trait]
impl Inventory for MockExecutor {
    async fn containers(&self, which: Which) -> Result<Vec<Listed>, ExecutorError> {
        self.call(Call::Inventory, |world, now| {
            let wanted = world.containers().filter(|container| match which {
                Which::All => true,
                Which::Running => container.is_running(),
            });
            let listed = wanted.map(|container| Listed {
                finished_at: None,
                ..container.listed(now)
            });
            Ok(listed.collect())
        })
        .await
    }

    async fn container(&self, name: &str) -> Result<Option<Listed>, ExecutorError> {
        self.call(Call::Inventory, |world, now| {
            let found = world.looked_up(name)?;
            Ok(found.map(|container| container.listed(now)))
        })
        .await
    }

    async fn statistics(&self, handle: &Handle) -> Result<Option<Statistics>, ExecutorError> {
        self.call(Call::Inventory, |world, now| {
            let container = world.container(handle);
            Ok(container.and_then(|container| container.statistics(now)))
        })
        .await
    }

    async fn limits(&self, handle: &Handle) -> Result<Option<Share>, ExecutorError> {
        self.call(Call::Inventory, |world, _| {
            Ok(world.container(handle).map(|found| found.limits))
        })
        .await
    }

    async fn resources(&self, pool: PoolId) -> Result<Vec<Resource>, ExecutorError> {
        self.call(Call::Inventory, |world, _| {
            Ok(resources::of_pool(world, pool))
        })
        .await
    }

    async fn remove_resource(&self, resource: &Resource) -> Result<Removed, ExecutorError> {
        self.call(Call::Inventory, |world, _| {
            resources::remove(world, resource)
        })
        .await
    }

    fn to_handle(&self, engine_id: &str) -> Handle {
        container::handle(engine_id.to_owned())
    }

    fn id_of(&self, handle: &Handle) -> String {
        handle.content.clone()
    }
}

impl World {
    /// By name, id or the beginning of an id, in this order.
    fn looked_up(&self, name: &str) -> Result<Option<&Container>, ExecutorError> {
        if let Some(named) = self.containers().find(|found| found.name == name) {
            return Ok(Some(named));
        }
        let mut begun = self
            .containers()
            .filter(|found| !name.is_empty() && found.id().starts_with(name));
        let first = begun.next();
        if begun.next().is_some() {
            let message = format!("look at container {name}: several ids begin like this");
            return Err(ExecutorError::new(Fault::Configuration, message));
        }
        Ok(first)
    }
}

impl Container {
    fn listed(&self, now: Timestamp) -> Listed {
        Listed {
            handle: self.handle(),
            id: self.id(),
            name: self.name.clone(),
            image: self.image.to_string(),
            state: self.state(),
            status: self.status(now),
            created_at: self.created_at,
            finished_at: self.exit().and_then(|exit| exit.finished_at),
            labels: self.labels.clone(),
        }
    }

    fn state(&self) -> ContainerState {
        match self.stage {
            _ if self.gone_at.is_some() => ContainerState::Removing,
            Stage::Created { .. } => ContainerState::Created,
            Stage::Running(..) => ContainerState::Running,
            Stage::Exited(..) => ContainerState::Exited,
        }
    }

    /// As an engine says it, but always in seconds.
    fn status(&self, now: Timestamp) -> String {
        let secs_since = |at: Timestamp| now.duration_since(at).as_secs();
        match &self.stage {
            _ if self.gone_at.is_some() => "Removal In Progress".to_owned(),
            Stage::Created { .. } => "Created".to_owned(),
            Stage::Running(run, _) => format!("Up {} seconds", secs_since(run.started_at)),
            Stage::Exited(_, exit) => {
                let ago = secs_since(exit.finished_at.unwrap_or(now));
                format!("Exited ({}) {ago} seconds ago", exit.code)
            }
        }
    }

    fn exit(&self) -> Option<&Exit> {
        match &self.stage {
            Stage::Exited(_, exit) => Some(exit),
            Stage::Created { .. } | Stage::Running(..) => None,
        }
    }

    fn statistics(&self, now: Timestamp) -> Option<Statistics> {
        let Stage::Running(run, _) = &self.stage else {
            return None;
        };
        let sample = sample(run, now);
        let memory = self.launch.as_ref().and_then(|launch| launch.spec.memory);
        let memory_limit_bytes = memory.map(ByteSize::bytes);
        Some(Statistics {
            cpu_percent: run.consumption.cpu_percent.into(),
            sample,
            memory_limit_bytes,
            pids: Some(1),
            raw: raw(&sample, memory_limit_bytes),
        })
    }
}

/// The same in the form of the Docker Engine.
fn raw(sample: &Sample, memory_limit_bytes: Option<u64>) -> Value {
    json!({
        "read": sample.at.to_string(),
        "cpu_stats": { "cpu_usage": { "total_usage": sample.cpu_nanos }, "online_cpus": 1 },
        "memory_stats": { "usage": sample.memory_bytes, "limit": memory_limit_bytes },
        "pids_stats": { "current": 1 },
        "networks": { "eth0": {
            "rx_bytes": sample.network_rx_bytes,
            "tx_bytes": sample.network_tx_bytes,
        } },
        "blkio_stats": { "io_service_bytes_recursive": [
            { "op": "read", "value": sample.block_read_bytes },
            { "op": "write", "value": sample.block_write_bytes },
        ] },
    })
}
