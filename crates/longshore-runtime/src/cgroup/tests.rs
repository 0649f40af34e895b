//! The files of both versions are read from folders of files; groups of this machine are filled with
//! processes, frozen, killed and removed.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

fn written(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn version_1_is_read_from_the_files_of_each_controller() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("memory/longshore/job/memory.usage_in_bytes", "4096\n"),
        ("memory/longshore/job/memory.max_usage_in_bytes", "8192\n"),
        (
            "memory/longshore/job/memory.stat",
            "inactive_file 1\ntotal_inactive_file 2048\n",
        ),
        (
            "memory/longshore/job/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        ),
        ("cpu,cpuacct/longshore/job/cpuacct.usage", "123456789\n"),
        (
            "cpu,cpuacct/longshore/job/cpu.stat",
            "nr_periods 5\nnr_throttled 2\nthrottled_time 77\n",
        ),
        (
            "blkio/longshore/job/blkio.throttle.io_service_bytes_recursive",
            "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n7:0 Read 1\nTotal 31\n",
        ),
        ("pids/longshore/job/pids.current", "4\n"),
    ];
    written(folder.path(), &files);
    let names = ["memory", "cpu,cpuacct", "blkio", "pids"];
    let layout = Layout::v1_of(names.map(|name| (name, folder.path().join(name))));
    let expected = Counters {
        memory_bytes: Some(4096),
        inactive_file_bytes: Some(2048),
        peak_memory_bytes: Some(8192),
        oom_kills: Some(3),
        cpu_nanos: Some(123_456_789),
        throttled_nanos: Some(77),
        block_read_bytes: Some(11),
        block_write_bytes: Some(20),
        pids: Some(4),
    };
    assert_eq!(Cgroup::of(layout, "job").usage(), expected);
}

#[test]
fn version_2_is_read_from_the_files_of_the_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("longshore/job/memory.current", "4096\n"),
        ("longshore/job/memory.peak", "8192\n"),
        ("longshore/job/memory.stat", "file 9\ninactive_file 2048\n"),
        ("longshore/job/memory.events", "low 0\noom 1\noom_kill 3\n"),
        (
            "longshore/job/cpu.stat",
            "usage_usec 123456\nuser_usec 1\nthrottled_usec 7\n",
        ),
        (
            "longshore/job/io.stat",
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n7:0 rbytes=1 wbytes=0\n",
        ),
        ("longshore/job/pids.current", "4\n"),
    ];
    written(folder.path(), &files);
    let layout = Layout::V2(folder.path().to_owned());
    let expected = Counters {
        memory_bytes: Some(4096),
        inactive_file_bytes: Some(2048),
        peak_memory_bytes: Some(8192),
        oom_kills: Some(3),
        cpu_nanos: Some(123_456_000),
        throttled_nanos: Some(7000),
        block_read_bytes: Some(11),
        block_write_bytes: Some(20),
        pids: Some(4),
    };
    assert_eq!(Cgroup::of(layout, "job").usage(), expected);
}

#[test]
fn what_the_machine_does_not_count_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    for layout in [
        Layout::V2(folder.path().to_owned()),
        Layout::v1_of([("memory", folder.path().to_owned())]),
    ] {
        assert_eq!(Cgroup::of(layout, "job").usage(), Counters::default());
    }
}

#[test]
fn the_place_in_the_hierarchies_is_the_name_below_ours() {
    let layout = Layout::V2("/nowhere".into());
    let cgroup = Cgroup::of(layout, "job");
    assert_eq!(cgroup.spec_path(), Path::new("/longshore/job"));
    let folder = Path::new("/nowhere/longshore/job").to_owned();
    assert_eq!(cgroup.folders(), [(String::new(), folder)]);
}

#[test]
fn killing_and_removing_what_is_absent_is_no_error() {
    let name = format!("test-absent-{}", std::process::id());
    let cgroup = Cgroup::named(&name).unwrap();
    cgroup.kill().unwrap();
    cgroup.remove().unwrap();
}

/// A group of this machine with a process in it that makes others; gone at the end.
struct Filled {
    cgroup: Cgroup,
    child: Child,
}

impl Filled {
    fn new(name: &str) -> Self {
        let name = format!("test-{name}-{}", std::process::id());
        let cgroup = Cgroup::named(&name).unwrap();
        let mut script = String::new();
        cgroup.make(&LinuxResources::default()).unwrap();
        for (_, folder) in cgroup.folders() {
            fs::create_dir_all(&folder).unwrap();
            script = format!("{script}echo $$ > {}/cgroup.procs\n", folder.display());
        }
        script += "sleep 1000 & while :; do sleep 0; done";
        let mut command = Command::new("sh");
        let child = command.arg("-c").arg(script).stdin(Stdio::null());
        let child = child.spawn().unwrap();
        let filled = Self { cgroup, child };
        let folder = filled.busiest();
        let is_full = || Ok(folder::processes(&folder)?.len() > 1);
        eventually(is_full, &folder).unwrap();
        filled
    }

    /// The last folder that the process moves into.
    fn busiest(&self) -> PathBuf {
        self.cgroup.folders().pop().unwrap().1
    }

    fn count(&self) -> usize {
        let folders = self.cgroup.folders().into_iter();
        folders
            .map(|(_, folder)| folder::processes(&folder).unwrap().len())
            .sum()
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.cgroup.kill();
        let _ = self.child.wait();
        let _ = self.cgroup.remove();
    }
}

#[test]
fn all_that_is_in_a_group_dies_though_it_forks() {
    let filled = Filled::new("killed");
    filled.cgroup.kill().unwrap();
    assert_eq!(filled.count(), 0);
}

#[test]
fn a_group_with_groups_below_it_is_removed() {
    let mut filled = Filled::new("removed");
    let below = filled.busiest().join("below/further");
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("cgroup.procs"), filled.child.id().to_string()).unwrap();
    filled.cgroup.kill().unwrap();
    filled.child.wait().unwrap();
    filled.cgroup.remove().unwrap();
    assert!(filled.cgroup.folders().iter().all(|(_, at)| !at.exists()));
    filled.cgroup.remove().unwrap();
}

#[test]
fn a_group_of_version_1_is_made_with_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["memory", "cpu", "cpuset", "pids", "systemd"];
    let files = [
        ("cpuset/cpuset.cpus", "0-3\n"),
        ("cpuset/cpuset.mems", "0\n"),
        ("cpuset/longshore/cgroup.clone_children", "0\n"),
        ("cpuset/longshore/cpuset.cpus", "\n"),
        ("cpuset/longshore/cpuset.mems", "\n"),
        ("memory/longshore/job/memory.limit_in_bytes", ""),
        ("memory/longshore/job/memory.memsw.limit_in_bytes", ""),
        ("cpu/longshore/job/cpu.cfs_period_us", ""),
        ("cpu/longshore/job/cpu.cfs_quota_us", ""),
        ("pids/longshore/job/pids.max", ""),
    ];
    written(folder.path(), &files);
    let layout = Layout::v1_of(names.map(|name| (name, folder.path().join(name))));
    let resources = serde_json::json!({
        "memory": {"limit": 1000, "swap": -1},
        "cpu": {"period": 100_000, "quota": 50_000},
        "pids": {"limit": 7},
    });
    let resources = serde_json::from_value(resources).unwrap();
    Cgroup::of(layout, "job").make(&resources).unwrap();
    let read = |(name, _): &(&str, &str)| fs::read_to_string(folder.path().join(name)).unwrap();
    let values = files.each_ref().map(read);
    // The kernel takes the whole of what is written; a file keeps what comes behind.
    let expected = [
        "0-3\n", "0\n", "1\n", "0-3\n", "0\n", "1000", "-1", "100000", "50000", "7",
    ];
    assert_eq!(values, expected);
    assert!(folder.path().join("cpuset/longshore/job").is_dir());
    // What controls nothing is left alone.
    assert!(!folder.path().join("systemd").exists());
}

#[test]
fn a_limit_without_its_controller_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::v1_of([("memory", folder.path().join("memory"))]);
    let resources = serde_json::from_value(serde_json::json!({"pids": {"limit": 7}})).unwrap();
    let error = Cgroup::of(layout, "job").make(&resources).unwrap_err();
    assert!(
        matches!(error, CgroupError::NoController("pids")),
        "{error}"
    );
}

#[test]
fn this_machine_has_what_containers_need() {
    let facts = cgroup_facts().unwrap();
    assert_eq!(facts.missing, [""; 0]);
    assert!(facts.writable);
}
