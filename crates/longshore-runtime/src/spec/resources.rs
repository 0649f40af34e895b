//! How much a container may take, and which devices.

use std::collections::HashMap;

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
    if *layout == Layout::Closed {
        return Ok(resources);
    }
    resources.set_memory(memory(bounds, layout)?);
    resources.set_unified(no_swap(bounds, layout));
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

/// Version 2 counts swap apart from memory, and libcontainer takes none of it for any amount of it:
/// the kernel's own file says it.
fn no_swap(bounds: &Bounds, layout: &Layout) -> Option<HashMap<String, String>> {
    let memory_bytes = signed(bounds.memory_bytes?);
    match layout {
        Layout::V2(_) if bounds.memory_swap_bytes == Some(memory_bytes) && layout.bounds_swap() => {
            Some(HashMap::from([("memory.swap.max".into(), "0".into())]))
        }
        Layout::V1(_) | Layout::V2(_) | Layout::Closed => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 2 on a machine that counts swap.
    fn with_swap() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let group = folder.path().join("longshore");
        std::fs::create_dir(&group).unwrap();
        std::fs::write(group.join("memory.swap.max"), "max\n").unwrap();
        let layout = Layout::V2(folder.path().to_owned());
        (folder, layout)
    }

    #[test]
    fn no_swap_is_said_in_the_words_of_version_2() {
        let (_folder, layout) = with_swap();
        let said = |swap| {
            let bounds = Bounds {
                memory_bytes: Some(1000),
                memory_swap_bytes: swap,
                ..Bounds::default()
            };
            no_swap(&bounds, &layout)
        };
        let none = HashMap::from([("memory.swap.max".into(), "0".into())]);
        assert_eq!(said(Some(1000)), Some(none));
        assert_eq!([None, Some(1500), Some(-1)].map(said), [None, None, None]);
    }
}
