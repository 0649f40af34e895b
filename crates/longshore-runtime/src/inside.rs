//! Paths inside of a container's root, which belongs to an image: no link in it leads out of it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use rustix::io::Errno;

const FOLDER: Mode = Mode::from_raw_mode(0o755);

/// Opens a folder; none if it is not there, or is none.
pub(crate) fn find_folder(root: BorrowedFd<'_>, path: &Path) -> io::Result<Option<OwnedFd>> {
    match open(root, path, OFlags::DIRECTORY | OFlags::RDONLY) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// Makes a folder with all that lead to it, unless it is there.
pub(crate) fn make_folder(root: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let mut whole = PathBuf::from(".");
    let mut parent = open(root, &whole, OFlags::DIRECTORY | OFlags::PATH)?;
    for name in names(path) {
        unless_there(mkdirat(&parent, name, FOLDER))?;
        whole.push(name);
        parent = open(root, &whole, OFlags::DIRECTORY | OFlags::PATH)?;
    }
    Ok(())
}

/// What becomes of links in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// They lead to somewhere else in the root.
    Followed,
    /// They are an error.
    Refused,
}

/// The folder at this path, for something to be mounted on; it is made if it is not there.
pub(crate) fn folder_at(root: BorrowedFd<'_>, path: &Path, links: Links) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::PATH;
    let find = || match links {
        Links::Followed => open(root, path, flags),
        Links::Refused => {
            let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
            openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
        }
    };
    match find() {
        Err(Errno::NOENT) => {}
        found => return Ok(found?),
    }
    match (path.parent(), path.file_name()) {
        // Nearly always this much is there.
        (Some(parent), Some(name)) => match open(root, parent, flags) {
            Ok(parent) => unless_there(mkdirat(&parent, name, FOLDER))?,
            Err(_) => make_folder(root, path)?,
        },
        _ => make_folder(root, path)?,
    }
    Ok(find()?)
}

/// What is at this path and no folder, for something to be mounted on; an empty file is made if it is
/// not there.
pub(crate) fn file_at(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    match open(root, path, OFlags::PATH) {
        Err(Errno::NOENT) => {}
        found => return Ok(found?),
    }
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let folder = folder_at(root, path.parent().unwrap_or(path), Links::Followed)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(&folder, name, flags, Mode::from_raw_mode(0o644))?)
}

fn unless_there(made: rustix::io::Result<()>) -> io::Result<()> {
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

fn names(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    })
}

fn open(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_made_behind_a_link_that_stays_inside() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("real")).unwrap();
        symlink("/real", root.path().join("link")).unwrap();
        let opened = File::open(root.path()).unwrap();
        make_folder(opened.as_fd(), Path::new("/link/a/b")).unwrap();
        make_folder(opened.as_fd(), Path::new("/link/a/b")).unwrap();
        assert!(root.path().join("real/a/b").is_dir());
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let target =
            Path::new("../../../../../../../..").join(outside.path().strip_prefix("/").unwrap());
        symlink(&target, root.path().join("out")).unwrap();
        let opened = File::open(root.path()).unwrap();
        assert!(make_folder(opened.as_fd(), Path::new("/out/made")).is_err());
        assert!(
            find_folder(opened.as_fd(), Path::new("/out"))
                .unwrap()
                .is_none()
        );
        assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_no_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("file"), "").unwrap();
        let opened = File::open(root.path()).unwrap();
        assert!(
            find_folder(opened.as_fd(), Path::new("/file"))
                .unwrap()
                .is_none()
        );
        assert!(make_folder(opened.as_fd(), Path::new("/file")).is_err());
    }

    #[test]
    fn what_is_mounted_on_is_found_or_made_and_only_inside() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::fs::create_dir_all(root.path().join("real/etc")).unwrap();
        symlink("/real/etc", root.path().join("etc")).unwrap();
        symlink(outside.path(), root.path().join("out")).unwrap();
        let opened = File::open(root.path()).unwrap();
        let file = |path: &str| file_at(opened.as_fd(), Path::new(path));
        let folder = |path: &str, links| folder_at(opened.as_fd(), Path::new(path), links);
        file("/etc/hosts").unwrap();
        file("/etc/hosts").unwrap();
        folder("/etc/new", Links::Followed).unwrap();
        folder("/far/far/away", Links::Followed).unwrap();
        assert!(root.path().join("real/etc/hosts").is_file());
        assert!(root.path().join("real/etc/new").is_dir());
        assert!(root.path().join("far/far/away").is_dir());
        assert!(file("/out").is_err());
        assert!(folder("/out", Links::Followed).is_err());
        assert!(folder("/etc", Links::Refused).is_err());
        assert!(folder("/real", Links::Refused).is_ok());
    }
}
