//! What hides files of lower layers: told by names in a layer, by devices and attributes on disk.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat, XattrFlags};
use rustix::io::Errno;

use super::attributes::Privilege;
use super::tree::{proc_path, type_of};

const PREFIX: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const RESERVED: &[u8] = b".wh..wh.";

/// What the name of a member says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// It is a file like others.
    None,
    /// The name in the same folder is hidden.
    Hides(&'a [u8]),
    /// Everything below in the same folder is hidden.
    HidesAll,
    /// Book-keeping of another system, to be left out.
    Reserved,
    /// No name that can be hidden.
    Broken,
}

pub(super) fn mark(name: &[u8]) -> Mark<'_> {
    if name == OPAQUE {
        return Mark::HidesAll;
    }
    if name.starts_with(RESERVED) {
        return Mark::Reserved;
    }
    match name.strip_prefix(PREFIX) {
        None => Mark::None,
        Some(b"" | b"." | b"..") => Mark::Broken,
        Some(hidden) => Mark::Hides(hidden),
    }
}

/// Hides everything below in `folder`.
pub(super) fn hide_all(folder: &OwnedFd, privilege: Privilege) -> io::Result<()> {
    let path = proc_path(folder, b".");
    Ok(rustix::fs::setxattr(
        path,
        privilege.opaque(),
        b"y",
        XattrFlags::empty(),
    )?)
}

/// Hides `name` in `folder`, where nothing of that name is.
pub(super) fn hide(folder: &OwnedFd, name: &[u8], privilege: Privilege) -> io::Result<()> {
    let mode = Mode::from_raw_mode(0);
    match rustix::fs::mknodat(folder, name, FileType::CharacterDevice, mode, 0) {
        Err(Errno::PERM | Errno::ACCESS | Errno::INVAL | Errno::OPNOTSUPP) => {
            hide_by_attribute(folder, name, privilege)
        }
        outcome => Ok(outcome?),
    }
}

/// The other form: an empty file with an attribute, in a folder that says that it has such.
pub(super) fn hide_by_attribute(
    folder: &OwnedFd,
    name: &[u8],
    privilege: Privilege,
) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
    rustix::fs::fsetxattr(&file, privilege.whiteout(), b"y", XattrFlags::empty())?;
    let path = proc_path(folder, b".");
    match rustix::fs::setxattr(&path, privilege.opaque(), b"x", XattrFlags::CREATE) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

/// Does `name` hide what is below it?
pub(super) fn hides(
    folder: &impl AsFd,
    name: &[u8],
    stat: &Stat,
    privilege: Privilege,
) -> io::Result<bool> {
    let kind = type_of(stat);
    if kind == FileType::RegularFile && stat.st_size == 0 {
        return has(&proc_path(folder, name), privilege.whiteout(), b"y");
    }
    Ok(kind == FileType::CharacterDevice && stat.st_rdev == 0)
}

/// Does `folder` hide everything below it?
pub(super) fn hides_all(folder: &impl AsFd, privilege: Privilege) -> io::Result<bool> {
    has(&proc_path(folder, b"."), privilege.opaque(), b"y")
}

fn has(path: &std::path::Path, name: &str, wanted: &[u8]) -> io::Result<bool> {
    let mut value = [0; 8];
    match rustix::fs::lgetxattr(path, name, &mut value) {
        Ok(length) => Ok(value.get(..length) == Some(wanted)),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(false),
        Err(why) => Err(why.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_hidden() {
        assert_eq!(mark(b"plain"), Mark::None);
        assert_eq!(mark(b".whale"), Mark::None);
        assert_eq!(mark(b".wh.gone"), Mark::Hides(b"gone"));
        assert_eq!(mark(b".wh..wh..opq"), Mark::HidesAll);
        assert_eq!(mark(b".wh..wh.plnk"), Mark::Reserved);
        for name in [&b".wh."[..], b".wh..", b".wh..."] {
            assert_eq!(mark(name), Mark::Broken);
        }
    }

    #[test]
    fn a_file_is_hidden_in_either_form() {
        let root = tempfile::tempdir().unwrap();
        let privilege = Privilege::of_this_process(root.path()).unwrap();
        let path = root.path().as_os_str().as_encoded_bytes();
        let folder = super::super::tree::open_folder(&rustix::fs::CWD, path).unwrap();
        hide(&folder, b"one", privilege).unwrap();
        hide_by_attribute(&folder, b"two", privilege).unwrap();
        std::fs::write(root.path().join("three"), "").unwrap();
        let seen = |name: &[u8]| {
            let stat = super::super::tree::look(&folder, name).unwrap().unwrap();
            hides(&folder, name, &stat, privilege).unwrap()
        };
        assert_eq!(
            [seen(b"one"), seen(b"two"), seen(b"three")],
            [true, true, false]
        );
        assert!(
            !hides_all(&folder, privilege).unwrap(),
            "`x` only says that files may hide"
        );
        hide_all(&folder, privilege).unwrap();
        assert!(hides_all(&folder, privilege).unwrap());
    }
}
