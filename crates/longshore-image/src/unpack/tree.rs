//! A folder that nobody gets out of: every name in it is reached by the kernel, below it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use longshore_core::limits;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::path::CleanPath;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::PATH).union(OFlags::CLOEXEC);

/// The folder of a layer.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    root_depth: usize,
}

impl Tree {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let root = rustix::fs::open(path, FOLDER, Mode::empty())?;
        let root_depth = depth_of(&root)?;
        Ok(Self { root, root_depth })
    }

    /// Opens a folder. Links on the way lead where they would lead if the layer were the root of
    /// the system, as in Docker.
    pub(super) fn folder(&self, path: &CleanPath) -> io::Result<OwnedFd> {
        if path.is_root() {
            return self.root.try_clone();
        }
        let plain = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match self.resolve(path, plain) {
            Err(Errno::LOOP) => self.folder_by_links(path),
            other => Ok(other?),
        }
    }

    /// Opens a folder whose path has no link in it.
    pub(super) fn real_folder(&self, path: &CleanPath) -> io::Result<OwnedFd> {
        if path.is_root() {
            return self.root.try_clone();
        }
        Ok(self.resolve(path, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)?)
    }

    /// By links, a short path can reach any depth; what removes the layer has to come back from it.
    fn folder_by_links(&self, path: &CleanPath) -> io::Result<OwnedFd> {
        let found = self.resolve(path, ResolveFlags::IN_ROOT)?;
        if depth_of(&found)? > self.root_depth + limits::LAYER_DEPTH {
            return Err(Errno::NAMETOOLONG.into());
        }
        Ok(found)
    }

    fn resolve(&self, path: &CleanPath, how: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        const TRIES: u32 = 16;
        let how = how | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let open = || rustix::fs::openat2(&self.root, path.bytes(), FOLDER, Mode::empty(), how);
        // The kernel cannot always tell that it stayed below when something is renamed meanwhile.
        let mut outcome = open();
        for _ in 0..TRIES {
            if !matches!(outcome, Err(Errno::AGAIN)) {
                break;
            }
            outcome = open();
        }
        outcome
    }
}

fn depth_of(folder: &OwnedFd) -> io::Result<usize> {
    let link = format!("/proc/self/fd/{}", folder.as_raw_fd());
    Ok(std::fs::read_link(link)?.components().count())
}

/// A path for calls that take no open folder.
pub(super) fn proc_path(folder: &impl AsFd, name: &[u8]) -> PathBuf {
    let folder = folder.as_fd().as_raw_fd();
    Path::new(&format!("/proc/self/fd/{folder}")).join(OsStr::from_bytes(name))
}

/// What is called `name` in `folder`; links are not followed.
pub(super) fn look(folder: &impl AsFd, name: &[u8]) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

pub(super) fn type_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Opens a folder to be read and changed.
pub(super) fn open_folder(parent: &impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

/// Removes whatever is called `name`, with everything in it.
pub(super) fn remove(parent: &impl AsFd, name: &[u8]) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(why) => return Err(why.into()),
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) => return Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(why) => return Err(why.into()),
    }
    // Its rights may keep even its owner out.
    let _ = rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty());
    let folder = open_folder(parent, name)?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            remove(&folder, name)?;
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Removes a file or folder with everything in it; links are not followed. Fine when it is gone.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match rustix::fs::open(parent, FOLDER, Mode::empty()) {
        Ok(parent) => remove(&parent, name.as_bytes()),
        Err(Errno::NOENT) => Ok(()),
        Err(why) => Err(why.into()),
    }
}
