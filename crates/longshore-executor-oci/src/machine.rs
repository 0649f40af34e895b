//! What this machine is, and what of it stands in the way of containers without an engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use longshore_core::spec::Platform;
use longshore_runtime::{CgroupFacts, Standing, cgroup_facts, check_overlay};

/// How to make room in a root of control groups that is not the machine's own.
const ROOM: &str = "processes in /sys/fs/cgroup leave no room for groups with limits: move them into \
    one below, as `mkdir /sys/fs/cgroup/self; for one in $(cat /sys/fs/cgroup/cgroup.procs); do echo \
    $one >/sys/fs/cgroup/self/cgroup.procs; done`";

/// Its platform, as images name it.
pub(crate) fn platform() -> Platform {
    longshore_image::host_platform()
}

/// What stands in the way of containers in the folder `root`, which need not be there yet; each says what
/// to do. Nothing where they can run.
pub fn obstacles(root: &Path) -> Vec<String> {
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
    all.extend(unfit(root));
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

/// A file system on which an ordinary user's containers cannot be. It is tried once.
pub(crate) fn unfit(root: &Path) -> Option<String> {
    static SEEN: Mutex<BTreeMap<PathBuf, Option<String>>> = Mutex::new(BTreeMap::new());
    match longshore_runtime::standing() {
        // Root is told by the first start.
        Standing::Root | Standing::Ordinary => return None,
        Standing::Many | Standing::Single => {}
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = seen.entry(root.to_owned());
    let found = found.or_insert_with(|| check_overlay(root).err().map(|why| why.to_string()));
    found.clone()
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
