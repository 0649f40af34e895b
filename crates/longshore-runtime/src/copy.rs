//! Copies a tree of files with owners, rights, times, links and attributes, as it is in an image.
//!
//! Where it is copied to may be in the hands of a container already: nothing is followed, and
//! nothing that is there is opened.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags,
};

/// Copies everything in `source` to `target`, and gives `target` itself what `source` has.
pub(crate) fn tree(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    let mut links = Links::new();
    folder(source, target, &mut links)
}

/// Where a file with several names went first: a folder of the copy, and the name in it.
type Links = HashMap<(u64, u64), (OwnedFd, CString)>;

fn folder(source: BorrowedFd<'_>, target: BorrowedFd<'_>, links: &mut Links) -> io::Result<()> {
    for entry in Dir::read_from(source)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        one(source, target, name, links)?;
    }
    dress(source, target, &rustix::fs::fstat(source)?)
}

fn one(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    name: &CStr,
    links: &mut Links,
) -> io::Result<()> {
    let found = rustix::fs::statat(source, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = FileType::from_raw_mode(found.st_mode);
    let identity = (found.st_dev, found.st_ino);
    if kind != FileType::Directory
        && let Some((first, first_name)) = links.get(&identity)
    {
        return Ok(rustix::fs::linkat(
            first,
            first_name.as_c_str(),
            target,
            name,
            AtFlags::empty(),
        )?);
    }
    match kind {
        FileType::Directory => {
            rustix::fs::mkdirat(target, name, Mode::RWXU)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let made = open(target, name, flags)?;
            return folder(open(source, name, flags)?.as_fd(), made.as_fd(), links);
        }
        FileType::RegularFile => file(source, target, name, &found)?,
        FileType::Symlink => {
            let leads_to = rustix::fs::readlinkat(source, name, Vec::new())?;
            rustix::fs::symlinkat(leads_to, target, name)?;
            own(target, name, &found)?;
            set_times(target, name, &found)?;
        }
        FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice => {
            let mode = Mode::from_raw_mode(found.st_mode);
            rustix::fs::mknodat(target, name, kind, mode, found.st_rdev)?;
            own(target, name, &found)?;
            set_times(target, name, &found)?;
        }
        // A socket without the process that listens is nothing.
        FileType::Socket | FileType::Unknown => return Ok(()),
    }
    if found.st_nlink > 1 {
        links.insert(identity, (target.try_clone_to_owned()?, name.to_owned()));
    }
    Ok(())
}

fn file(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    name: &CStr,
    found: &Stat,
) -> io::Result<()> {
    let mut content = File::from(open(source, name, OFlags::RDONLY)?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = rustix::fs::openat(target, name, flags, Mode::RUSR | Mode::WUSR)?;
    let mut made = File::from(made);
    io::copy(&mut content, &mut made)?;
    dress(content.as_fd(), made.as_fd(), found)
}

/// The owner first, since a new one takes special rights away; times last.
fn dress(source: BorrowedFd<'_>, target: BorrowedFd<'_>, found: &Stat) -> io::Result<()> {
    let (uid, gid) = owner(found);
    rustix::fs::fchown(target, uid, gid)?;
    rustix::fs::fchmod(target, Mode::from_raw_mode(found.st_mode))?;
    attributes(source, target)?;
    rustix::fs::futimens(target, &times(found))?;
    Ok(())
}

fn attributes(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    const NAMES_MAX: usize = 64 * 1024;
    let mut names = vec![0; NAMES_MAX];
    let length = match rustix::fs::flistxattr(source, names.as_mut_slice()) {
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        listed => listed?,
    };
    for name in names[..length].split_inclusive(|byte| *byte == 0) {
        let name = CStr::from_bytes_with_nul(name).map_err(io::Error::other)?;
        if name.to_bytes().starts_with(b"trusted.overlay.") {
            continue;
        }
        let mut value = vec![0; NAMES_MAX];
        let length = rustix::fs::fgetxattr(source, name, value.as_mut_slice())?;
        rustix::fs::fsetxattr(target, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

fn own(target: BorrowedFd<'_>, name: &CStr, found: &Stat) -> io::Result<()> {
    let (uid, gid) = owner(found);
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::chownat(target, name, uid, gid, flags)?)
}

fn set_times(target: BorrowedFd<'_>, name: &CStr, found: &Stat) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::utimensat(target, name, &times(found), flags)?)
}

fn open(folder: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

fn owner(found: &Stat) -> (Option<Uid>, Option<Gid>) {
    let (uid, gid) = (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid));
    (Some(uid), Some(gid))
}

fn times(found: &Stat) -> Timestamps {
    let time = |seconds, nanos: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanos).unwrap_or_default(),
    };
    Timestamps {
        last_access: time(found.st_atime, found.st_atime_nsec),
        last_modification: time(found.st_mtime, found.st_mtime_nsec),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::path::Path;

    use super::*;

    fn copied(make: impl FnOnce(&Path)) -> (tempfile::TempDir, tempfile::TempDir) {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(source.path());
        let opened = [&source, &target].map(|folder| File::open(folder.path()).unwrap());
        tree(opened[0].as_fd(), opened[1].as_fd()).unwrap();
        (source, target)
    }

    #[test]
    fn owners_rights_times_and_links_are_kept() {
        let (source, target) = copied(|source| {
            fs::create_dir(source.join("in")).unwrap();
            fs::write(source.join("in/file"), "text").unwrap();
            chown(source.join("in/file"), Some(12), Some(34)).unwrap();
            let special = fs::Permissions::from_mode(0o4751);
            fs::set_permissions(source.join("in/file"), special).unwrap();
            fs::hard_link(source.join("in/file"), source.join("same")).unwrap();
            symlink("/etc/shadow", source.join("link")).unwrap();
            let closed = fs::Permissions::from_mode(0o1700);
            fs::set_permissions(source.join("in"), closed).unwrap();
            chown(source, Some(7), Some(8)).unwrap();
        });
        let seen = |folder: &Path, name: &str| {
            let found = fs::symlink_metadata(folder.join(name)).unwrap();
            (found.uid(), found.gid(), found.mode(), found.mtime_nsec())
        };
        for name in [".", "in", "in/file", "same", "link"] {
            assert_eq!(
                seen(source.path(), name),
                seen(target.path(), name),
                "{name}"
            );
        }
        let inode = |name: &str| fs::metadata(target.path().join(name)).unwrap().ino();
        assert_eq!(inode("in/file"), inode("same"));
        let link = fs::read_link(target.path().join("link")).unwrap();
        assert_eq!(link, Path::new("/etc/shadow"));
    }

    #[test]
    fn a_link_that_somebody_put_in_the_way_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(source.path().join("file"), "text").unwrap();
        symlink(outside.path().join("made"), target.path().join("file")).unwrap();
        let opened = [&source, &target].map(|folder| File::open(folder.path()).unwrap());
        assert!(tree(opened[0].as_fd(), opened[1].as_fd()).is_err());
        assert!(!outside.path().join("made").exists());
    }
}
