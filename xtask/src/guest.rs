//! A guest machine with control groups of version 2 alone, in which the binary runs containers
//! without an engine: Debian's kernel in QEMU, with a root made on the spot.
//!
//! What is checked there is in `xtask/guest/checks`, in the guest's shell. QEMU and the kernel are
//! unpacked below `target/guest` and not installed; root is needed for none of it.

mod boot;
mod parts;
mod tree;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use longshore_testkit::target_dir;

use crate::packages;
use crate::steps::{cargo, run_visible};

/// Which checks.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// Files of `xtask/guest/checks` by what their names end with, such as places; all without
    only: Vec<String>,
}

/// Makes what is missing, boots the guest and fails when a check does.
pub(crate) fn run(wish: &Wish) -> Result<()> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("the guest is an x86-64 machine, and its programs are those of this machine");
    }
    println!("── set-up: the binary, QEMU, a kernel, a root");
    packages::ensure(packages::FOR_GUEST)?;
    // Who names a binary has built it.
    if std::env::var_os("LONGSHORE_BIN").is_none() {
        run_visible(&mut cargo(&["build", "--package", "longshore", "--locked"]))?;
    }
    fs::create_dir_all(folder())?;
    let parts = parts::find()?;
    let root = tree::make(&parts, &wish.only)?;
    println!("── the guest");
    let tally = boot::run(&parts, &root)?;
    println!();
    if tally.failed > 0 {
        bail!("guest: {} checks failed, {} held", tally.failed, tally.held);
    }
    println!("guest: all {} checks held", tally.held);
    Ok(())
}

fn folder() -> PathBuf {
    target_dir().join("guest")
}
