//! Volumes begin as what the image has where they are mounted.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::error::{RuntimeError, Tried};
use crate::folder::Folder;
use crate::{ContainerConfig, Mount, MountSource, copy, inside};

/// Makes the folders of all volumes that are missing, and fills those that are empty.
pub(crate) fn fill(
    folder: &Folder,
    root: BorrowedFd<'_>,
    mounts: &[Mount],
) -> Result<(), RuntimeError> {
    for mount in mounts {
        match &mount.source {
            MountSource::Fresh(fresh) => {
                // Of a start in which nothing of the job ran.
                let path = folder.path().join(&fresh.folder);
                crate::folder::discard(&path)?;
                fill_one(&path, root, &mount.target)?;
            }
            MountSource::Volume(path) => fill_one(path, root, &mount.target)?,
            MountSource::Bind(_) | MountSource::Tmpfs(_) => {}
        }
    }
    Ok(())
}

/// Makes the working folder if it is missing: here, since the root may be read-only later. In what is
/// mounted over the root, whoever is in the container makes it.
pub(crate) fn make_workdir(
    root: BorrowedFd<'_>,
    config: &ContainerConfig,
) -> Result<(), RuntimeError> {
    let workdir = config.process.workdir.as_path();
    let mut mounts = config.mounts.iter();
    if mounts.any(|mount| workdir.starts_with(&mount.target)) {
        return Ok(());
    }
    inside::make_folder(root, workdir).tried("make the working directory", workdir)
}

fn fill_one(path: &PathBuf, root: BorrowedFd<'_>, target: &Path) -> Result<(), RuntimeError> {
    fs::create_dir_all(path).tried("make", path)?;
    let is_empty = fs::read_dir(path).tried("list", path)?.next().is_none();
    if !is_empty {
        return Ok(());
    }
    let Some(model) = inside::find_folder(root, target).tried("look at", target)? else {
        return Ok(());
    };
    let volume = File::open(path).tried("open", path)?;
    copy::tree(model.as_fd(), volume.as_fd()).tried("copy what the image has to", path)
}
