//! 10,000 jobs in a row, and what has grown behind them.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use comfy_table::Table;

use super::ground::Ground;
use crate::docker_path::ours_on;
use crate::ours::{Bench, RunningWorker};

const JOBS: u32 = 10_000;
const BATCH: u32 = 1_000;
/// Until everything has been opened that is ever needed.
const WARM_UP: u32 = 500;

/// What there is of each kind of thing that could leak.
struct Count {
    mounts: usize,
    cgroups: usize,
    processes: usize,
    network_namespaces: usize,
    open_files: usize,
    container_folders: usize,
}

pub(super) async fn measure(bench: &Bench) -> Result<()> {
    let ground = Ground::new()?;
    let worker = ground.worker(bench, 8).await?;
    ours_on(bench, &worker, WARM_UP, "").await?;
    let before = Count::take(&worker, &ground)?;
    let began = Instant::now();
    for _ in 0..JOBS / BATCH {
        ours_on(bench, &worker, BATCH, "").await?;
    }
    let took = began.elapsed().as_secs_f64();
    let after = Count::take(&worker, &ground)?;
    let mut table = Table::new();
    table.set_header(["after 10,000 jobs", "before", "after"]);
    let mut grown = Vec::new();
    for (name, before, after) in before.beside(&after) {
        table.add_row([name, &before.to_string(), &after.to_string()]);
        if after > before {
            grown.push(name);
        }
    }
    println!("{table}");
    println!("{:.1} jobs/s over all", f64::from(JOBS) / took);
    ensure!(grown.is_empty(), "these have grown: {}", grown.join(", "));
    println!("nothing has grown: met\n");
    Ok(())
}

impl Count {
    fn take(worker: &RunningWorker, ground: &Ground) -> Result<Self> {
        let pid = worker.child.id();
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
        Ok(Self {
            mounts: mounts.lines().count(),
            cgroups: folders_below(Path::new("/sys/fs/cgroup")),
            processes: processes().filter(|it| works_in(it, ground)).count(),
            network_namespaces: network_namespaces(),
            open_files: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            container_folders: folders_below(&ground.room("oci/containers")?),
        })
    }

    fn beside(&self, after: &Self) -> [(&'static str, usize, usize); 6] {
        [
            ("mounts", self.mounts, after.mounts),
            ("cgroups", self.cgroups, after.cgroups),
            (
                "processes in the folder of the host",
                self.processes,
                after.processes,
            ),
            (
                "network namespaces",
                self.network_namespaces,
                after.network_namespaces,
            ),
            (
                "open files of the worker",
                self.open_files,
                after.open_files,
            ),
            (
                "folders of containers",
                self.container_folders,
                after.container_folders,
            ),
        ]
    }
}

/// Every folder below this one. What goes while it is looked at does not count.
fn folders_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| 1 + folders_below(&entry.path()))
        .sum()
}

/// The folders of all processes.
fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.join("stat").exists() && path.join("ns").exists())
}

/// Whether a process, such as a supervisor, is in the host's folder.
fn works_in(process: &Path, ground: &Ground) -> bool {
    fs::read_link(process.join("cwd")).is_ok_and(|cwd| ground.has(&cwd))
}

fn network_namespaces() -> usize {
    let spaces: std::collections::BTreeSet<_> = processes()
        .flat_map(|process| fs::read_link(process.join("ns/net")))
        .collect();
    spaces.len()
}
