//! What this machine is, and what of it stands in the way of containers without an engine.

use std::fs;
use std::path::Path;

use longshore_core::spec::Platform;
use rustix::fs::{Access, access};

/// Controllers without which limits would be ignored.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Its platform, as images name it.
pub(crate) fn platform() -> Platform {
    longshore_image::host_platform()
}

/// What stands in the way here, each with what to do; nothing where containers can run.
pub fn obstacles() -> Vec<String> {
    let mut all = Vec::new();
    if !rustix::process::geteuid().is_root() {
        all.push("it needs root; use the socket of Docker or Podman".to_owned());
    }
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !has_word(&filesystems, "overlay") && !Path::new("/sys/module/overlay").exists() {
        all.push("the kernel has no overlayfs: `modprobe overlay`".to_owned());
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let root = Path::new(CGROUPS);
    let unified = fs::read_to_string(root.join("cgroup.controllers")).ok();
    let missing = missing_controllers(&mounts, unified.as_deref());
    if !missing.is_empty() {
        all.push(without(&missing, unified.is_some()));
    }
    if unified.is_some() {
        all.extend(closed(root));
    }
    all
}

fn without(missing: &[&str], unified: bool) -> String {
    let what = if unified {
        "enable them in cgroup.subtree_control of the group that this is in, or when booting"
    } else {
        "mount them, or enable them when booting"
    };
    format!(
        "the control groups lack what bounds {}: {what}",
        missing.join(", ")
    )
}

/// Why groups with limits cannot be made in this root of version 2. The root that a container sees is
/// no real one: it can have processes, or groups with limits, and not both.
fn closed(root: &Path) -> Option<String> {
    let at = root.display();
    if access(root, Access::WRITE_OK).is_err() {
        return Some(format!(
            "the control groups at {at} are read-only: mount them to be written"
        ));
    }
    let is_real = !root.join("cgroup.type").exists();
    let processes = fs::read_to_string(root.join("cgroup.procs")).unwrap_or_default();
    (!is_real && !processes.is_empty()).then(|| {
        format!(
            "processes in {at} leave no room for groups with limits: move them into one below, as \
             `mkdir {at}/self; for one in $(cat {at}/cgroup.procs); do echo $one \
             >{at}/self/cgroup.procs; done`"
        )
    })
}

/// Control groups of version 2 say in a file what they have; those of version 1 are mounted one by one.
pub(crate) fn cgroup_version() -> u8 {
    let unified = Path::new(CGROUPS).join("cgroup.controllers").exists();
    if unified { 2 } else { 1 }
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

fn missing_controllers(mounts: &str, unified: Option<&str>) -> Vec<&'static str> {
    let has = |controller: &str| match unified {
        Some(controllers) => has_word(controllers, controller),
        None => mounts.lines().any(|line| {
            let mut fields = line.split(' ').skip(2);
            let is_v1 = fields.next() == Some("cgroup");
            let options = fields.next().unwrap_or_default();
            is_v1 && options.split(',').any(|option| option == controller)
        }),
    };
    CONTROLLERS
        .into_iter()
        .filter(|controller| !has(controller))
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_are_found_in_both_versions_of_control_groups() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\n\
            cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(missing_controllers(mounts, None), ["pids"]);
        let unified = Some("cpuset cpu io memory pids\n");
        assert_eq!(missing_controllers("", unified), <[&str; 0]>::default());
        assert_eq!(missing_controllers(mounts, Some("")), CONTROLLERS);
    }
    #[test]
    fn a_root_that_is_not_the_machines_own_has_room_only_without_processes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        write("cgroup.procs", "1\n");
        assert_eq!(closed(folder.path()), None);
        write("cgroup.type", "domain\n");
        let said = closed(folder.path()).unwrap();
        assert!(said.contains("move them into one below"), "{said}");
        write("cgroup.procs", "");
        assert_eq!(closed(folder.path()), None);
    }
}
