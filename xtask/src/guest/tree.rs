//! The root of the guest, as an archive that the kernel unpacks into memory: busybox, the binary, the
//! libraries that it wants, an image, and the checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use longshore_testkit::{demo_image_archive, longshore_bin, run, workspace_dir};

use super::folder;
use super::parts::Parts;

/// Programs of this machine that busybox cannot stand in for.
const PROGRAMS: [&str; 3] = [
    "/usr/bin/unshare",
    "/usr/bin/setpriv",
    "/usr/sbin/mkfs.ext4",
];
/// What Debian's kernel does not have built in.
const MODULES: [&str; 4] = [
    "drivers/block/loop.ko",
    "fs/overlayfs/overlay.ko",
    "fs/quota/quota_tree.ko",
    "fs/quota/quota_v2.ko",
];
const FOLDERS: [&str; 12] = [
    "bin",
    "dev",
    "etc",
    "guest/checks",
    "guest/modules",
    "mnt",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "var",
];
const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n";

/// Makes it, with these checks or all.
pub(super) fn make(parts: &Parts, only: &[String]) -> Result<PathBuf> {
    let root = folder().join("root");
    if root.is_dir() {
        fs::remove_dir_all(&root)?;
    }
    for made in FOLDERS {
        fs::create_dir_all(root.join(made))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox"))?;
    fs::write(root.join("etc/passwd"), USERS)?;
    fs::copy(demo_image_archive()?, root.join("guest/demo-image.tar"))?;
    add_binary(&root)?;
    for program in PROGRAMS {
        add_with_libraries(
            &root,
            Path::new(program),
            &Path::new("guest").join(name(program)?),
        )?;
    }
    for module in MODULES {
        let into = root.join("guest/modules").join(name(module)?);
        fs::copy(parts.module(module)?, into)?;
    }
    add_checks(&root, only)?;
    pack(&root)
}

/// Without what debuggers need, which is most of it.
fn add_binary(root: &Path) -> Result<()> {
    let small = folder().join("longshore");
    run(Command::new("strip")
        .arg("-o")
        .arg(&small)
        .arg(longshore_bin()))?;
    add_with_libraries(root, &small, Path::new("bin/longshore"))
}

fn add_with_libraries(root: &Path, program: &Path, at: &Path) -> Result<()> {
    fs::copy(program, root.join(at))?;
    let libraries = run(Command::new("ldd").arg(program))?;
    for library in libraries
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
    {
        let into = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(into.parent().context("a library is in a folder")?)?;
        fs::copy(library, into)?;
    }
    Ok(())
}

fn add_checks(root: &Path, only: &[String]) -> Result<()> {
    let source = workspace_dir().join("xtask/guest");
    fs::copy(source.join("init"), root.join("init"))?;
    for file in ["machine", "lib"] {
        fs::copy(source.join(file), root.join("guest").join(file))?;
    }
    let mut added = 0;
    for entry in fs::read_dir(source.join("checks"))? {
        let entry = entry?;
        let file = entry.file_name();
        let is_wished = |wish: &String| file.to_string_lossy().ends_with(wish.as_str());
        if only.is_empty() || only.iter().any(is_wished) {
            fs::copy(entry.path(), root.join("guest/checks").join(&file))?;
            added += 1;
        }
    }
    if added == 0 {
        bail!("there are no such checks in {}", source.display());
    }
    Ok(())
}

fn pack(root: &Path) -> Result<PathBuf> {
    let archive = root.with_extension("cpio");
    let script = "find . | /bin/busybox cpio -o -H newc -R 0:0 >\"$0\"";
    run(Command::new("sh")
        .args(["-c", script])
        .arg(&archive)
        .current_dir(root))?;
    Ok(archive)
}

fn name(path: &str) -> Result<&std::ffi::OsStr> {
    Path::new(path).file_name().context("a file has a name")
}
