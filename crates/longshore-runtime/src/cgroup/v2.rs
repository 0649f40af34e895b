//! Control groups of version 2, where all controllers share one hierarchy.

use std::fs;
use std::path::Path;

use libcgroups::common::{CgroupManager, ControllerOpt};
use libcgroups::v2::manager::Manager;
use oci_spec::runtime::LinuxResources;

use super::{CgroupError, Counters, folder};

const FREEZE: &str = "cgroup.freeze";
const FROZEN: &str = "1";
const THAWED: &str = "0";
const NANOS_PER_MICRO: u64 = 1000;

/// Makes its folder, with these limits. Controllers that cannot be handed down are missed by the
/// limits that need them.
pub(super) fn make(
    root: &Path,
    path: &Path,
    resources: &LinuxResources,
) -> Result<(), CgroupError> {
    let whole = root.join(path);
    let controllers = folder::text(root, "cgroup.controllers")?;
    let mut at = root.to_owned();
    for name in path {
        for controller in controllers.split_whitespace() {
            let _ = folder::set(&at, "cgroup.subtree_control", &format!("+{controller}"));
        }
        at.push(name);
        folder::make(&at)?;
    }
    let options = ControllerOpt {
        resources,
        disable_oom_killer: false,
        oom_score_adj: None,
        freezer_state: None,
    };
    let limited = Manager::new(root.to_owned(), path.to_owned())
        .and_then(|by_library| by_library.apply(&options));
    limited.map_err(|source| CgroupError::Limits {
        path: whole,
        source: source.into(),
    })
}

pub(super) fn usage(at: &Path) -> Counters {
    Counters {
        memory_bytes: folder::number(at, "memory.current"),
        inactive_file_bytes: folder::keyed(at, "memory.stat", "inactive_file"),
        throttled_nanos: nanos(at, "throttled_usec"),
        pids: folder::number(at, "pids.current"),
        ..spent(at)
    }
}

pub(super) fn spent(at: &Path) -> Counters {
    let block = fs::read_to_string(at.join("io.stat")).ok();
    let block = |key| block.as_deref().map(|text| block_bytes(text, key));
    Counters {
        // Kept since Linux 5.19.
        peak_memory_bytes: folder::number(at, "memory.peak"),
        oom_kills: folder::keyed(at, "memory.events", "oom_kill"),
        cpu_nanos: nanos(at, "usage_usec"),
        block_read_bytes: block("rbytes"),
        block_write_bytes: block("wbytes"),
        ..Counters::default()
    }
}

fn nanos(at: &Path, key: &str) -> Option<u64> {
    folder::keyed(at, "cpu.stat", key).map(|micros| micros * NANOS_PER_MICRO)
}

/// The sum over all devices, in lines `major:minor key=number …`.
fn block_bytes(lines: &str, key: &str) -> u64 {
    let words = lines.split_whitespace();
    let pairs = words.filter_map(|word| word.split_once('='));
    let wanted = pairs.filter(|(name, _)| *name == key);
    wanted
        .filter_map(|(_, bytes)| bytes.parse::<u64>().ok())
        .sum()
}

/// Kills whatever is in it. Where the kernel does not do so at once (before 5.14), what begins
/// meanwhile may escape, so this is to be repeated.
pub(super) fn kill(at: &Path) -> Result<(), CgroupError> {
    if at.join("cgroup.kill").exists() {
        folder::write(at, "cgroup.kill", "1")?;
        return Ok(());
    }
    folder::write(at, FREEZE, FROZEN)?;
    let killed = folder::kill_all(at);
    folder::write(at, FREEZE, THAWED)?;
    killed
}
