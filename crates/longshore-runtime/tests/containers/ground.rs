//! What tests run containers on: a root made from Debian's busybox-static, and a runtime with a
//! folder of its own that is emptied at the end, also after a panic.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use longshore_core::log::Stream;
use longshore_runtime::{
    Bounds, ContainerConfig, Ended, LogFile, Network, Process, Rootfs, Runtime, RuntimeOptions,
    Seccomp, Status, SupervisorProgram, WhileRunning, resolve_capabilities,
};
use tempfile::TempDir;

/// Nothing that a test waits for takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A runtime of a test's own.
pub(crate) struct Ground {
    pub(crate) runtime: Runtime,
    folder: TempDir,
    prefix: String,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// One whose containers are run by this program.
    pub(crate) fn with(oci_runtime: Option<PathBuf>) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make containers, for which they must be run as root"
        );
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().file_name().unwrap().to_str().unwrap();
        Self {
            runtime: Self::runtime_at(folder.path(), oci_runtime),
            prefix: prefix.replace('.', "t"),
            folder,
        }
    }

    /// Another one of the same containers, as a second process has it.
    pub(crate) fn another(&self) -> Runtime {
        Self::runtime_at(self.folder.path(), None)
    }

    pub(crate) fn runtime_at(folder: &Path, oci_runtime: Option<PathBuf>) -> Runtime {
        let supervisor = PathBuf::from(env!("CARGO_BIN_EXE_longshore-supervisor"));
        Runtime::open(RuntimeOptions {
            root: folder.join("runtime"),
            supervisor: SupervisorProgram::Path(supervisor),
            oci_runtime,
        })
        .unwrap()
    }

    /// A name that no other test has: control groups are the machine's.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `sh -c script`.
    pub(crate) fn script(&self, name: &str, script: &str) -> ContainerConfig {
        self.config(name, &["sh", "-c", script])
    }

    /// Runs `argv` with what Docker gives a container.
    pub(crate) fn config(&self, name: &str, argv: &[&str]) -> ContainerConfig {
        ContainerConfig {
            name: self.name(name),
            labels: BTreeMap::new(),
            rootfs: Rootfs {
                layers: vec![busybox().to_owned()],
                like: None,
                read_only: false,
                size_bytes: None,
            },
            process: Process {
                argv: argv.iter().map(|text| (*text).to_owned()).collect(),
                env: Vec::new(),
                workdir: "/".into(),
                user: None,
                init: true,
                capabilities: resolve_capabilities(&[], &[]),
                no_new_privileges: false,
                privileged: false,
                limits: Vec::new(),
            },
            hostname: "box".to_owned(),
            extra_hosts: Vec::new(),
            dns: Vec::new(),
            mounts: Vec::new(),
            bounds: Bounds::default(),
            network: Network::None,
            seccomp: Seccomp::Default,
            stop_signal: 15,
            stop_grace_millis: 10_000,
            run_limit_millis: None,
            log_limit_bytes: 1 << 20,
        }
    }

    /// Makes and starts it.
    pub(crate) fn start(&self, config: &ContainerConfig) {
        self.runtime.create(config).unwrap();
        self.runtime.start(&config.name).unwrap();
    }

    /// Makes and starts it, and waits for its end.
    pub(crate) fn run(&self, config: &ContainerConfig) -> Ended {
        self.start(config);
        self.ended(&config.name)
    }

    /// Waits for its end.
    pub(crate) fn ended(&self, name: &str) -> Ended {
        let mut found = None;
        eventually("it ends", || {
            match self.runtime.status(name).unwrap() {
                Some(Status::Ended(ended)) => found = Some(ended),
                Some(Status::Lost { .. }) => panic!("{name} is lost"),
                _ => {}
            }
            found.is_some()
        });
        found.unwrap()
    }

    /// What it wrote to standard output, so far.
    pub(crate) fn stdout(&self, name: &str) -> String {
        self.output(name, Stream::Stdout)
    }

    pub(crate) fn output(&self, name: &str, stream: Stream) -> String {
        let Some(mut log) = self.runtime.log(name).unwrap() else {
            return String::new();
        };
        let frames = frames(&mut log).into_iter();
        let texts = frames.filter(|frame| frame.stream == stream);
        texts
            .map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned())
            .collect()
    }

    /// Waits until it has written this line.
    pub(crate) fn has_said(&self, name: &str, line: &str) {
        eventually(line, || self.stdout(name).lines().any(|said| said == line));
    }
}

pub(crate) fn frames(log: &mut LogFile) -> Vec<longshore_core::log::Frame> {
    std::iter::from_fn(|| log.next_frame().unwrap()).collect()
}

impl Drop for Ground {
    fn drop(&mut self) {
        for name in self.runtime.names().unwrap_or_default() {
            let removed = self.runtime.remove(&name, WhileRunning::Kill);
            if !std::thread::panicking() {
                removed.unwrap();
            }
        }
        if !std::thread::panicking() {
            self.leaves_nothing();
        }
    }
}

impl Ground {
    /// Nothing of a test outlives it.
    fn leaves_nothing(&self) {
        let groups: Vec<PathBuf> = groups(&self.prefix);
        assert!(groups.is_empty(), "{groups:?} are left");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let place = self.folder.path().to_str().unwrap();
        assert!(!mounts.contains(place), "mounts are left: {mounts}");
        // A supervisor that has let go of everything takes a moment to be gone.
        eventually("no process is left", || {
            processes_in(self.folder.path()).is_empty()
        });
    }
}

/// Control groups whose name begins like this.
pub(crate) fn groups(prefix: &str) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let hierarchies = list(Path::new("/sys/fs/cgroup"));
    let ours = hierarchies
        .iter()
        .flat_map(|one| list(&one.join("longshore")));
    let direct = list(Path::new("/sys/fs/cgroup/longshore"));
    ours.chain(direct)
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(prefix)
        })
        .collect()
}

/// Processes whose working folder is below this one: supervisors, and what they begin.
pub(crate) fn processes_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| {
            let place = fs::read_link(entry.path().join("cwd"));
            place.is_ok_and(|place| place.starts_with(folder))
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    longshore_testkit::eventually(what, PATIENCE, is_so);
}

/// The folder of a layer with every program of busybox; made once a process.
pub(crate) fn busybox() -> &'static Path {
    static LAYER: OnceLock<PathBuf> = OnceLock::new();
    LAYER.get_or_init(|| {
        let layer = Path::new(env!("CARGO_TARGET_TMPDIR")).join("busybox");
        let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = making.path();
        let program = Path::new("/bin/busybox");
        assert!(program.exists(), "Debian's busybox-static is missing");
        for folder in ["bin", "etc", "tmp", "dev", "proc", "sys", "root"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        fs::copy(program, root.join("bin/busybox")).unwrap();
        let list = Command::new(program).arg("--list").output().unwrap();
        for name in String::from_utf8(list.stdout).unwrap().lines() {
            if name != "busybox" {
                symlink("busybox", root.join("bin").join(name)).unwrap();
            }
        }
        let passwd = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n";
        fs::write(root.join("etc/passwd"), passwd).unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\nuser:x:1000:\n").unwrap();
        let whole = making.keep();
        // Another test's process may have been quicker.
        if fs::rename(&whole, &layer).is_err() {
            fs::remove_dir_all(&whole).unwrap();
        }
        layer
    })
}
