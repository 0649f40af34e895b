//! What this machine is, and what of it stands in the way of containers without an engine.

use std::fs;
use std::path::Path;

use longshore_core::spec::Platform;
use longshore_runtime::{CgroupFacts, Standing, cgroup_facts};

/// How to make room in a root of control groups that is not the machine's own.
const ROOM: &str = "processes in /sys/fs/cgroup leave no room for groups with limits: move them into \
    one below, as `mkdir /sys/fs/cgroup/self; for one in $(cat /sys/fs/cgroup/cgroup.procs); do echo \
    $one >/sys/fs/cgroup/self/cgroup.procs; done`";

/// Its platform, as images name it.
pub(crate) fn platform() -> Platform {
    longshore_image::host_platform()
}

/// What stands in the way here, each with what to do; nothing where containers can run.
pub fn obstacles() -> Vec<String> {
    let mut all = Vec::new();
    let standing = longshore_runtime::standing();
    if standing == Standing::Ordinary {
        all.push(longshore_runtime::why_ordinary().map_or_else(
            || "it needs root; use the socket of Docker or Podman".to_owned(),
            ToString::to_string,
        ));
    }
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !has_word(&filesystems, "overlay") && !Path::new("/sys/module/overlay").exists() {
        all.push("the kernel has no overlayfs: `modprobe overlay`".to_owned());
    }
    match cgroup_facts() {
        // Jobs that want what only groups can do are refused one by one.
        _ if standing != Standing::Root => {}
        Err(why) => all.push(why.to_string()),
        Ok(facts) if !facts.missing.is_empty() => all.push(without(&facts)),
        Ok(facts) if !facts.writable => {
            all.push("the control groups of /sys/fs/cgroup cannot be written to".to_owned());
        }
        Ok(facts) if facts.crowded => all.push(ROOM.to_owned()),
        Ok(_) => {}
    }
    all
}

fn without(facts: &CgroupFacts) -> String {
    let what = match facts.version {
        1 => "mount them, or enable them when booting",
        _ => "enable them in cgroup.subtree_control of the group that this is in, or when booting",
    };
    format!(
        "the control groups lack what bounds {}: {what}",
        facts.missing.join(", ")
    )
}

/// Which version of control groups it has; 0 for none.
pub(crate) fn cgroup_version() -> u8 {
    cgroup_facts().map_or(0, |facts| facts.version)
}

/// All its memory, as far as it tells.
pub(crate) fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|found| found == word)
}
