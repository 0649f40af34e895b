//! What the kernel alone takes for a container: the same namespaces, overlay, limits and devices,
//! the program, its end. Nothing is checked, logged or kept.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, chdir, fork, pivot_root};

/// Limits as longshore gives them by default: a file below `/sys/fs/cgroup` and what is written there.
const LIMITS_V1: [(&str, &str, &str); 3] = [
    ("memory", "memory.limit_in_bytes", "536870912"),
    ("cpu", "cpu.cfs_quota_us", "100000"),
    ("pids", "pids.max", "1024"),
];
const LIMITS_V2: [(&str, &str, &str); 3] = [
    ("", "memory.max", "536870912"),
    ("", "cpu.max", "100000 100000"),
    ("", "pids.max", "1024"),
];

/// Where containers of the floor live.
pub(super) struct Floor {
    folder: PathBuf,
    root: PathBuf,
}

impl Floor {
    /// In `folder`, with the root file system `root` below each overlay.
    pub(super) fn new(folder: &Path, root: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: root.to_owned(),
        }
    }

    /// One container that runs `/bin/true`.
    pub(super) fn run(&self, name: &str) -> Result<()> {
        let folder = self.folder.join(name);
        for part in ["upper", "work", "merged"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let groups = Groups::make(name)?;
        let ended = self.spawn(&folder, &groups);
        groups.remove()?;
        fs::remove_dir_all(&folder)?;
        ensure!(ended?.success(), "the program of the floor failed");
        Ok(())
    }

    fn spawn(&self, folder: &Path, groups: &Groups) -> Result<std::process::ExitStatus> {
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            self.root.display(),
            folder.join("upper").display(),
            folder.join("work").display()
        );
        let merged = folder.join("merged");
        let procs = groups.procs();
        let mut command = Command::new("/bin/true");
        command.stdin(Stdio::null());
        #[expect(
            unsafe_code,
            reason = "between fork and exec; nothing there takes a lock that another thread may hold"
        )]
        // SAFETY: the closure makes system calls and writes files; this program's other threads
        // wait for their own children.
        unsafe {
            command.pre_exec(move || enter(&procs, &options, &merged));
        }
        command.status().context("a container of the floor")
    }
}

/// Everything between fork and exec.
fn enter(procs: &[PathBuf], options: &str, merged: &Path) -> io::Result<()> {
    for file in procs {
        fs::write(file, "0")?;
    }
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWCGROUP,
    )?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_PRIVATE | MsFlags::MS_REC, none)?;
    mount(
        Some("overlay"),
        merged,
        Some("overlay"),
        MsFlags::empty(),
        Some(options),
    )?;
    #[expect(unsafe_code, reason = "a new PID namespace begins with the next child")]
    // SAFETY: this process has one thread, being between fork and exec itself.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            let code = match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, code)) => code,
                _ => 1,
            };
            #[expect(
                unsafe_code,
                reason = "ends without running what the program left open"
            )]
            // SAFETY: ends this process and nothing else.
            unsafe {
                nix::libc::_exit(code)
            }
        }
        ForkResult::Child => settle(merged),
    }
}

/// `/proc`, `/dev`, and the new root.
fn settle(merged: &Path) -> io::Result<()> {
    let none: Option<&str> = None;
    chdir(merged)?;
    mount(Some("proc"), "proc", Some("proc"), MsFlags::empty(), none)?;
    mount(Some("tmpfs"), "dev", Some("tmpfs"), MsFlags::empty(), none)?;
    for device in ["null", "zero", "full", "random", "urandom", "tty"] {
        let inside = format!("dev/{device}");
        fs::write(&inside, "")?;
        let outside = format!("/dev/{device}");
        mount(
            Some(outside.as_str()),
            inside.as_str(),
            none,
            MsFlags::MS_BIND,
            none,
        )?;
    }
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}

/// The cgroups of one container.
struct Groups(Vec<PathBuf>);

impl Groups {
    fn make(name: &str) -> Result<Self> {
        let base = Path::new("/sys/fs/cgroup");
        let is_v2 = base.join("cgroup.controllers").exists();
        let limits = if is_v2 { LIMITS_V2 } else { LIMITS_V1 };
        let mut made = Vec::new();
        for (controller, file, value) in limits {
            let folder = base
                .join(controller)
                .join(format!("longshore-floor-{name}"));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(file), value)?;
            if !made.contains(&folder) {
                made.push(folder);
            }
        }
        Ok(Self(made))
    }

    fn procs(&self) -> Vec<PathBuf> {
        let groups = self.0.iter();
        groups.map(|folder| folder.join("cgroup.procs")).collect()
    }

    /// A group is busy for a moment after its last process.
    fn remove(&self) -> Result<()> {
        for folder in &self.0 {
            let removed = (0..1000).find_map(|_| match fs::remove_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                    None
                }
                other => Some(other),
            });
            removed.context("a cgroup stays busy")??;
        }
        Ok(())
    }
}
