//! What a process costs, as the kernel counts it.

use std::fs;

use anyhow::{Context, Result};

/// Clock ticks a second, as Linux reports CPU time on every architecture that we run on.
const TICKS: f64 = 100.0;

/// CPU time that it used so far, in seconds.
pub(crate) fn cpu_secs(pid: u32) -> Result<f64> {
    ticked(pid, [11, 12])
}

/// CPU time of all its children, and theirs, that ended and were waited for, in seconds.
pub(crate) fn children_cpu_secs(pid: u32) -> Result<f64> {
    ticked(pid, [13, 14])
}

fn ticked(pid: u32, which: [usize; 2]) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("a process name in stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = fields[which[0]].parse::<f64>()? + fields[which[1]].parse::<f64>()?;
    Ok(ticks / TICKS)
}

/// Memory that it holds (`VmRSS`), in MiB.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()?;
    Ok(kib / 1024.0)
}
