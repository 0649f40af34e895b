//! Paths of the kernel that a container does not see, or may not write to.

use super::Target;
use crate::cgroup::Layout;

const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// What is hidden.
pub(super) fn masked() -> Vec<String> {
    MASKED.map(str::to_owned).to_vec()
}

/// What may not be written to.
pub(super) fn read_only(layout: &Layout, target: Target) -> Vec<String> {
    let mut paths = READ_ONLY.map(str::to_owned).to_vec();
    match (layout, target) {
        // Its hierarchies are mounted below, one by one, so it cannot be read-only from the start.
        (Layout::V1(_), Target::Library) => paths.push("/sys/fs/cgroup".to_owned()),
        (Layout::V1(_), Target::Binary)
        | (Layout::V2(_) | Layout::Closed, Target::Library | Target::Binary) => {}
    }
    paths
}
