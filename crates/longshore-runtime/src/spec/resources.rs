//! How much a container may take, and which devices.

use oci_spec::runtime::{
    LinuxCpu, LinuxCpuBuilder, LinuxMemory, LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResources,
    LinuxResourcesBuilder,
};

use super::SpecError;
use crate::cgroup::Layout;
use crate::config::{Bounds, ContainerConfig};
use crate::devices::{self, Reach};

const PERIOD_MICROS: u64 = 100_000;
const NANOS_PER_CPU: u64 = 1_000_000_000;
/// The kernel takes no less.
const LEAST_QUOTA_MICROS: u64 = 1000;
const NO_LIMIT: i64 = -1;

pub(super) fn of(config: &ContainerConfig, layout: &Layout) -> Result<LinuxResources, SpecError> {
    let bounds = &config.bounds;
    let mut resources = LinuxResourcesBuilder::default()
        .devices(devices::for_spec(Reach::of(&config.process))?)
        .build()?;
    resources.set_memory(memory(bounds, layout)?);
    resources.set_cpu(bounds.cpu_nanos.map(cpu).transpose()?);
    if let Some(pids) = bounds.pids {
        let limit = LinuxPidsBuilder::default().limit(signed(pids)).build()?;
        resources.set_pids(Some(limit));
    }
    Ok(resources)
}

/// Without a word about swap there is as much of it as of memory, as with Docker.
fn memory(bounds: &Bounds, layout: &Layout) -> Result<Option<LinuxMemory>, SpecError> {
    let Some(memory_bytes) = bounds.memory_bytes else {
        return Ok(None);
    };
    let mut memory = LinuxMemoryBuilder::default()
        .limit(signed(memory_bytes))
        .build()?;
    if layout.bounds_swap() {
        let twice = signed(memory_bytes).saturating_mul(2);
        memory.set_swap(Some(
            bounds.memory_swap_bytes.unwrap_or(twice).max(NO_LIMIT),
        ));
    }
    Ok(Some(memory))
}

fn cpu(nanos: u64) -> Result<LinuxCpu, SpecError> {
    let quota_micros = nanos.saturating_mul(PERIOD_MICROS) / NANOS_PER_CPU;
    Ok(LinuxCpuBuilder::default()
        .period(PERIOD_MICROS)
        .quota(signed(quota_micros.max(LEAST_QUOTA_MICROS)))
        .build()?)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
