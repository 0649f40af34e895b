//! Control groups of version 1, where each controller has a hierarchy of its own.

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxMemory, LinuxResources};

use super::layout::Hierarchies;
use super::{CgroupError, Counters, folder};

/// What a group of this controller must have before a process may be in it.
const CPUSET: &str = "cpuset";
const HAND_DOWN: &str = "cgroup.clone_children";
const CPUSET_FILES: [&str; 2] = ["cpuset.cpus", "cpuset.mems"];
const STATE: &str = "freezer.state";
const FROZEN: &str = "FROZEN";
const THAWED: &str = "THAWED";

/// Makes its folders, with these limits.
pub(super) fn make(
    hierarchies: &Hierarchies,
    path: &Path,
    resources: &LinuxResources,
) -> Result<(), CgroupError> {
    if let Some(parent) = hierarchies.root_of(CPUSET).zip(path.parent()) {
        hand_down(parent)?;
    }
    for (_, root) in hierarchies.controlling() {
        folder::make(&root.join(path))?;
    }
    let set = |controller: &'static str, file: &str, value: i64| {
        let root = hierarchies.root_of(controller);
        let root = root.ok_or(CgroupError::NoController(controller))?;
        folder::set(&root.join(path), file, &value.to_string())
    };
    if let Some(memory) = resources.memory() {
        // In this order: what both together may take is never less than the one.
        for (file, value) in memory_files(memory) {
            set("memory", file, value)?;
        }
    }
    if let Some(cpu) = resources.cpu() {
        let period = cpu.period().and_then(|period| i64::try_from(period).ok());
        let files = [
            ("cpu.cfs_period_us", period),
            ("cpu.cfs_quota_us", cpu.quota()),
        ];
        for (file, value) in files {
            value.map_or(Ok(()), |value| set("cpu", file, value))?;
        }
    }
    if let Some(pids) = resources.pids() {
        set("pids", "pids.max", pids.limit())?;
    }
    Ok(())
}

fn memory_files(memory: &LinuxMemory) -> impl Iterator<Item = (&'static str, i64)> {
    let files = [
        ("memory.limit_in_bytes", memory.limit()),
        ("memory.memsw.limit_in_bytes", memory.swap()),
    ];
    files
        .into_iter()
        .filter_map(|(file, value)| Some((file, value?)))
}

/// Has the groups that are made in this one begin with what it has itself.
fn hand_down((root, path): (&Path, &Path)) -> Result<(), CgroupError> {
    let at = root.join(path);
    folder::make(&at)?;
    if folder::text(&at, HAND_DOWN)?.trim() == "1" {
        return Ok(());
    }
    for file in CPUSET_FILES {
        let mut at = root.to_owned();
        let mut above = folder::text(&at, file)?;
        for name in path {
            at.push(name);
            let own = folder::text(&at, file)?;
            if own.trim().is_empty() {
                folder::set(&at, file, &above)?;
            } else {
                above = own;
            }
        }
    }
    folder::set(&at, HAND_DOWN, "1")
}

pub(super) fn usage(hierarchies: &Hierarchies, path: &Path) -> Counters {
    let at = |controller| hierarchies.root_of(controller).map(|root| root.join(path));
    let memory = at("memory");
    let memory = memory.as_deref();
    Counters {
        memory_bytes: memory.and_then(|at| folder::number(at, "memory.usage_in_bytes")),
        inactive_file_bytes: memory
            .and_then(|at| folder::keyed(at, "memory.stat", "total_inactive_file")),
        throttled_nanos: at("cpu").and_then(|at| folder::keyed(&at, "cpu.stat", "throttled_time")),
        pids: at("pids").and_then(|at| folder::number(&at, "pids.current")),
        ..spent(hierarchies, path)
    }
}

pub(super) fn spent(hierarchies: &Hierarchies, path: &Path) -> Counters {
    let at = |controller| hierarchies.root_of(controller).map(|root| root.join(path));
    let memory = at("memory");
    let memory = memory.as_deref();
    let block = at("blkio").and_then(|at| block_lines(&at));
    let block = |operation| block.as_deref().map(|lines| block_bytes(lines, operation));
    Counters {
        peak_memory_bytes: memory.and_then(|at| folder::number(at, "memory.max_usage_in_bytes")),
        oom_kills: memory.and_then(|at| folder::keyed(at, "memory.oom_control", "oom_kill")),
        cpu_nanos: at("cpuacct").and_then(|at| folder::number(&at, "cpuacct.usage")),
        block_read_bytes: block("Read"),
        block_write_bytes: block("Write"),
        ..Counters::default()
    }
}

/// Lines `major:minor operation bytes`.
fn block_lines(at: &Path) -> Option<String> {
    ["_recursive", ""].iter().find_map(|suffix| {
        let file = format!("blkio.throttle.io_service_bytes{suffix}");
        fs::read_to_string(at.join(file)).ok()
    })
}

/// The sum over all devices.
fn block_bytes(lines: &str, operation: &str) -> u64 {
    let lines = lines.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == operation).then(|| words.next()?.parse::<u64>().ok())?
    });
    lines.sum()
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
