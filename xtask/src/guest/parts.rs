//! The guest's kernel and QEMU, out of Debian's packages: fetched once and unpacked below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use longshore_testkit::run;

use super::folder;
use crate::packages;
use crate::steps::say;

/// The package that depends on the newest small kernel.
const KERNEL: &str = "linux-image-cloud-amd64";
const QEMU: &str = "qemu-system-x86";
const PROGRAM: &str = "qemu-system-x86_64";

/// What the guest is made of.
pub(super) struct Parts {
    /// Holds `boot/vmlinuz-…` and `lib/modules`.
    kernel: PathBuf,
    /// Holds a QEMU that is not installed; none where this machine has one.
    qemu: Option<PathBuf>,
}

/// Finds them, or fetches them.
pub(super) fn find() -> Result<Parts> {
    let kernel = folder().join("kernel");
    if !kernel.is_dir() {
        tell(KERNEL, "the kernel of the guest");
        let newest = run(Command::new("apt-cache").args(["depends", KERNEL]))?;
        let newest = newest.lines().find_map(|line| line.split_once("Depends: "));
        let (_, package) = newest.context("apt knows no kernel: run `apt-get update`")?;
        unpack(&kernel, &["download", package])?;
    }
    if packages::in_folders(PROGRAM) {
        return Ok(Parts { kernel, qemu: None });
    }
    let qemu = folder().join("qemu");
    if !qemu.is_dir() {
        tell(QEMU, "the machine that the guest runs on");
        let install = ["install", "--download-only", "--yes"];
        unpack(
            &qemu,
            &[&install[..], &["--no-install-recommends", QEMU]].concat(),
        )?;
    }
    Ok(Parts {
        kernel,
        qemu: Some(qemu),
    })
}

fn tell(package: &str, why: &str) {
    say(&format!(
        "missing: package {package}, for {why}; it is unpacked below {} and not installed",
        folder().display()
    ));
}

/// Has apt put packages into a folder, and unpacks them into another, which is there when all is.
fn unpack(into: &Path, apt: &[&str]) -> Result<()> {
    let archives = folder().join("archives");
    let unfinished = folder().join("unfinished");
    for made in [&archives, &unfinished] {
        if made.is_dir() {
            fs::remove_dir_all(made)?;
        }
    }
    fs::create_dir_all(archives.join("partial"))?;
    run(Command::new("apt-get")
        .arg("--option")
        .arg(format!("Dir::Cache::archives={}", archives.display()))
        // Nothing is installed: others may go on meanwhile, and whoever is not root may do this.
        .args(["--option", "Debug::NoLocking=1"])
        .args(apt)
        .current_dir(&archives))?;
    for entry in fs::read_dir(&archives)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb")
                .arg("--extract")
                .arg(&path)
                .arg(&unfinished))?;
        }
    }
    fs::remove_dir_all(&archives)?;
    fs::rename(&unfinished, into)?;
    Ok(())
}

impl Parts {
    /// The kernel itself.
    pub(super) fn kernel(&self) -> Result<PathBuf> {
        let mut files = fs::read_dir(self.kernel.join("boot"))?.flatten();
        let is_kernel = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("vmlinuz-");
        let kernel = files.find(|entry| is_kernel(&entry.file_name()));
        kernel
            .map(|entry| entry.path())
            .context("a package without a kernel")
    }

    /// A module of the kernel.
    pub(super) fn module(&self, path: &str) -> Result<PathBuf> {
        let mut versions = fs::read_dir(self.kernel.join("lib/modules"))?.flatten();
        let version = versions.next().context("a kernel without modules")?;
        Ok(version.path().join("kernel").join(path))
    }

    /// QEMU, which is killed after so many seconds.
    pub(super) fn qemu(&self, seconds: u32) -> Command {
        let mut command = Command::new("timeout");
        command.arg(seconds.to_string());
        match &self.qemu {
            None => {
                command.arg(PROGRAM);
            }
            Some(root) => {
                let libraries = ["usr/lib", "lib"].map(|folder| {
                    let folder = root.join(folder).join("x86_64-linux-gnu");
                    folder.display().to_string()
                });
                command.env("LD_LIBRARY_PATH", libraries.join(":"));
                command.arg(root.join("usr/bin").join(PROGRAM));
                for firmware in ["usr/share/seabios", "usr/share/qemu"] {
                    command.arg("-L").arg(root.join(firmware));
                }
            }
        }
        command
    }
}
