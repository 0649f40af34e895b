//! What this machine is, and what of it stands in the way of containers without an engine.

use std::fs;
use std::path::Path;

use longshore_core::spec::Platform;

/// Controllers without which limits would be ignored.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

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
    let unified = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").ok();
    let missing = missing_controllers(&mounts, unified.as_deref());
    if !missing.is_empty() {
        all.push(format!(
            "the control groups have no {}: mount them, or enable them when booting",
            missing.join(", ")
        ));
    }
    all
}

/// Control groups of version 2 say in a file what they have; those of version 1 are mounted one by one.
pub(crate) fn cgroup_version() -> u8 {
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
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
}
