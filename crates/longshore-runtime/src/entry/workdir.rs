//! The working folder of the program, made where it is missing: in here everything is mounted, so that
//! it is made in what covers the root, too. It belongs to root, as with Docker.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use super::failed;
use crate::Refused;

const ROOT: u32 = 0;

/// Makes it, and goes there.
pub(super) fn enter(workdir: &Path) -> Result<(), Refused> {
    let entered = make(workdir)
        .and_then(|()| std::env::set_current_dir(workdir))
        .and_then(|()| is_inside());
    entered.map_err(|why| {
        let what = format!("the working directory {} cannot be used", workdir.display());
        failed(&what, why)
    })
}

fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => lchown(folder, Some(ROOT), Some(ROOT)),
        // Something else: going there says so.
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why),
    }
}

/// A descriptor of the machine that something left open leads out of the root by `/proc/self/fd`.
fn is_inside() -> io::Result<()> {
    let here = std::env::current_dir()?;
    if here.is_absolute() {
        return Ok(());
    }
    Err(io::Error::other("it is not in the container"))
}
