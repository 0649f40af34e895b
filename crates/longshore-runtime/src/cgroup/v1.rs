//! Control groups of version 1, where each controller has a hierarchy of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Hierarchies;
use super::{CgroupError, Counters, folder};

const STATE: &str = "freezer.state";
const FROZEN: &str = "FROZEN";
const THAWED: &str = "THAWED";

pub(super) fn usage(hierarchies: &Hierarchies, path: &Path) -> Counters {
    let at = |controller| hierarchies.root_of(controller).map(|root| root.join(path));
    let memory = at("memory");
    let memory = memory.as_deref();
    let number = |controller, file| folder::number(&at(controller)?, file);
    let block = at("blkio");
    Counters {
        memory_bytes: memory.and_then(|at| folder::number(at, "memory.usage_in_bytes")),
        inactive_file_bytes: memory
            .and_then(|at| folder::keyed(at, "memory.stat", "total_inactive_file")),
        peak_memory_bytes: memory.and_then(|at| folder::number(at, "memory.max_usage_in_bytes")),
        oom_kills: memory.and_then(|at| folder::keyed(at, "memory.oom_control", "oom_kill")),
        cpu_nanos: number("cpuacct", "cpuacct.usage"),
        throttled_nanos: at("cpu").and_then(|at| folder::keyed(&at, "cpu.stat", "throttled_time")),
        block_read_bytes: block.as_deref().and_then(|at| block_bytes(at, "Read")),
        block_write_bytes: block.as_deref().and_then(|at| block_bytes(at, "Write")),
        pids: number("pids", "pids.current"),
    }
}

/// The sum over all devices, in lines `major:minor operation bytes`.
fn block_bytes(at: &Path, operation: &str) -> Option<u64> {
    let text = ["_recursive", ""].iter().find_map(|suffix| {
        let file = format!("blkio.throttle.io_service_bytes{suffix}");
        fs::read_to_string(at.join(file)).ok()
    })?;
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == operation).then(|| words.next()?.parse::<u64>().ok())?
    });
    Some(lines.sum())
}

/// Kills whatever is in it. What begins meanwhile may escape, so this is to be repeated.
pub(super) fn kill(hierarchies: &Hierarchies, path: &Path) -> Result<(), CgroupError> {
    // What is about to freeze does not get around to forking, and dies when it is thawed.
    let freezer = freezer(hierarchies, path);
    if let Some(at) = &freezer {
        folder::write(at, STATE, FROZEN)?;
    }
    let mut roots = hierarchies.roots();
    let killed = roots.try_for_each(|(_, root)| folder::kill_all(&root.join(path)));
    if let Some(at) = &freezer {
        folder::write(at, STATE, THAWED)?;
    }
    killed
}

fn freezer(hierarchies: &Hierarchies, path: &Path) -> Option<PathBuf> {
    hierarchies.root_of("freezer").map(|root| root.join(path))
}
