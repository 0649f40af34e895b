//! Volumes begin as what the image has where they are mounted.

use std::fs::{self, File};
use std::io;
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

/// Makes the working folder if it is missing: in the root, or in what is mounted where it is.
pub(crate) fn make_workdir(
    folder: &Folder,
    root: BorrowedFd<'_>,
    config: &ContainerConfig,
) -> Result<(), RuntimeError> {
    let workdir = config.process.workdir.as_path();
    let around = config
        .mounts
        .iter()
        .filter(|it| workdir.starts_with(&it.target));
    let around = around.max_by_key(|mount| mount.target.components().count());
    let place = around.and_then(|mount| match &mount.source {
        MountSource::Fresh(fresh) => Some((mount, folder.path().join(&fresh.folder))),
        MountSource::Volume(path) | MountSource::Bind(path) => Some((mount, path.clone())),
        // It is empty, and there is no more in it than where it is mounted.
        MountSource::Tmpfs(_) => None,
    });
    let Some((mount, place)) = place else {
        return inside::make_folder(root, workdir).tried("make in the container", workdir);
    };
    let within = workdir.strip_prefix(&mount.target).unwrap_or(workdir);
    let opened = File::open(&place).tried("open", &place)?;
    match inside::find_folder(opened.as_fd(), &Path::new(".").join(within)) {
        Ok(Some(_)) => Ok(()),
        Ok(None) if mount.read_only => Err(io::Error::from(io::ErrorKind::ReadOnlyFilesystem)),
        Ok(None) => inside::make_folder(opened.as_fd(), within),
        Err(why) => Err(why),
    }
    .tried("make in the container", workdir)
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
