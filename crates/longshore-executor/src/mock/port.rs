//! The mock as an executor: the verbs of the port on top of its world.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use longshore_core::attempt::Observed;
use longshore_core::host::HostFacts;
use longshore_core::launch::{Handle, Launch};
use longshore_core::limits::STOP_SLACK;
use longshore_core::log::Frame;
use longshore_core::spec::JobSpec;
use longshore_core::usage::Sample;
use longshore_core::{AttemptId, PoolId};

use super::container::{Container, Run, Stage};
use super::knobs::Call;
use super::{MockExecutor, streams};
use crate::{
    Capabilities, Executor, ExecutorError, Force, HostEvent, Images, Inventory, LogRange, Owned,
    Removed, UsageMeter,
};

#[async_trait]
impl Executor for MockExecutor {
    fn capabilities(&self) -> Capabilities {
        self.tune(|knobs| knobs.capabilities)
    }

    fn unsupported(&self, _spec: &JobSpec) -> Vec<String> {
        self.tune(|knobs| knobs.unsupported.clone())
    }

    async fn probe(&self) -> Result<HostFacts, ExecutorError> {
        self.call(Call::Probe, |world, _| {
            Ok(HostFacts {
                engine_started_at: Some(world.engine_started_at),
                latency: world.knobs.latency,
                ..world.knobs.facts.clone()
            })
        })
        .await
    }

    async fn find(&self, attempt: AttemptId) -> Result<Option<Handle>, ExecutorError> {
        self.call(Call::Find, |world, _| {
            Ok(world.named(attempt).map(Container::handle))
        })
        .await
    }

    async fn create(&self, launch: &Launch) -> Result<Handle, ExecutorError> {
        self.call(Call::Create, |world, now| world.create(launch, now))
            .await
    }

    async fn start(&self, handle: &Handle) -> Result<(), ExecutorError> {
        self.call(Call::Start, |world, now| world.start(handle, now))
            .await
    }

    async fn observe(&self, handle: &Handle) -> Result<Observed, ExecutorError> {
        self.call(Call::Observe, |world, _| Ok(world.observe(handle)))
            .await
    }

    async fn events(
        &self,
        pool: PoolId,
    ) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError> {
        let queues = self
            .call(Call::Events, |world, _| Ok(world.subscribe()))
            .await?;
        Ok(streams::events(self.clone(), pool, queues))
    }

    async fn logs(
        &self,
        handle: &Handle,
        range: LogRange,
    ) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError> {
        let (printed, is_running) = self
            .call(Call::Logs, |world, now| {
                let container = world.container(handle);
                let printed = container.map(|found| found.printed(now).to_vec());
                Ok((
                    printed.unwrap_or_default(),
                    container.is_some_and(Container::is_running),
                ))
            })
            .await?;
        match range {
            LogRange::Follow => Ok(streams::follow(self.clone(), handle.clone(), is_running)),
            LogRange::All => Ok(streams::frames(printed)),
            LogRange::Last(count) => {
                let first = printed.len().saturating_sub(count);
                Ok(streams::frames(printed[first..].to_vec()))
            }
        }
    }

    async fn restarted_since(
        &self,
        handle: &Handle,
        since: Option<Timestamp>,
    ) -> Result<bool, ExecutorError> {
        self.call(Call::RestartedSince, |world, _| {
            let found = world.container(handle);
            let begun = |found: &Container| found.started_at().unwrap_or(found.created_at);
            let since = since.or_else(|| found.map(begun));
            Ok(since.is_some_and(|since| since < world.engine_started_at))
        })
        .await
    }

    async fn was_signalled(
        &self,
        handle: &Handle,
        _until: Timestamp,
    ) -> Result<bool, ExecutorError> {
        self.call(Call::WasSignalled, |world, _| {
            let found = world.container(handle);
            Ok(found.is_some_and(|container| container.was_signalled))
        })
        .await
    }

    async fn stop(&self, handle: &Handle, grace_secs: u32) -> Result<(), ExecutorError> {
        let grace = Duration::from_secs(grace_secs.into());
        let asked = async {
            self.disturbed(Call::Stop, |world, now| {
                world.ask_to_stop(handle, grace, now);
                Ok(())
            })
            .await?;
            self.ended(handle).await;
            Ok(())
        };
        self.within(Some(grace + STOP_SLACK), Call::Stop, asked)
            .await
    }

    async fn remove(&self, handle: &Handle, force: Force) -> Result<Removed, ExecutorError> {
        self.call(Call::Remove, |world, now| world.remove(handle, force, now))
            .await
    }

    async fn list_owned(&self, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
        self.call(Call::ListOwned, |world, _| {
            let own = world
                .containers()
                .filter(|container| container.pool() == Some(pool));
            Ok(own.map(Container::owned).collect())
        })
        .await
    }

    fn images(&self) -> Option<&dyn Images> {
        Some(self)
    }

    fn usage(&self) -> Option<&dyn UsageMeter> {
        Some(self)
    }

    fn inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }
}

#[async_trait]
impl UsageMeter for MockExecutor {
    async fn sample(&self, handle: &Handle) -> Result<Option<Sample>, ExecutorError> {
        self.call(Call::Sample, |world, now| {
            Ok(
                match world.container(handle).map(|container| &container.stage) {
                    Some(Stage::Running(run, _)) => Some(sample(run, now)),
                    Some(Stage::Created { .. } | Stage::Exited(..)) | None => None,
                },
            )
        })
        .await
    }

    async fn totals(&self, _handle: &Handle) -> Result<Option<Sample>, ExecutorError> {
        Ok(None)
    }
}

impl MockExecutor {
    /// Returns when the container does not run.
    async fn ended(&self, handle: &Handle) {
        loop {
            let waiting = self.look(|world, _| {
                let running = world.container(handle).filter(|found| found.is_running());
                running.map(|found| (found.due(), found.changed.subscribe()))
            });
            let Some((due, mut changed)) = waiting else {
                return;
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = self.host.clock.wait_until(due) => {}
            }
        }
    }
}

pub(super) fn sample(run: &Run, now: jiff::Timestamp) -> Sample {
    let elapsed = Duration::try_from(now.duration_since(run.started_at)).unwrap_or_default();
    let pattern = &run.consumption;
    let grown = |per_sec: u64| {
        let grown = u128::from(per_sec) * elapsed.as_nanos() / 1_000_000_000;
        u64::try_from(grown).unwrap_or(u64::MAX)
    };
    let cpu_nanos = elapsed.as_nanos() * u128::from(pattern.cpu_percent) / 100;
    let network_bytes = grown(pattern.network_bytes_per_sec);
    let block_bytes = grown(pattern.block_bytes_per_sec);
    Sample {
        at: now,
        memory_bytes: pattern
            .memory_bytes
            .saturating_add(grown(pattern.memory_growth_per_sec)),
        kernel_peak_bytes: None,
        cpu_nanos: u64::try_from(cpu_nanos).unwrap_or(u64::MAX),
        network_rx_bytes: network_bytes,
        network_tx_bytes: network_bytes,
        block_read_bytes: block_bytes,
        block_write_bytes: block_bytes,
    }
}
