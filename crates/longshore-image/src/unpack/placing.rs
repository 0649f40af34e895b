//! Putting files, links and devices where nothing of their name is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::{Attributes, Privilege};
use super::path::CleanPath;
use super::tree::{look, type_of};
use super::{UnpackError, at};
use crate::tar_stream::{Kind, Member};

/// Where a member is written.
pub(super) struct Place<'a> {
    pub(super) path: &'a CleanPath,
    pub(super) parent: OwnedFd,
    pub(super) name: &'a [u8],
}

/// Writes a file; `piece` is room for what is read at once.
pub(super) fn file(
    place: &Place<'_>,
    member: &Member,
    content: &mut impl Read,
    piece: &mut [u8],
    privilege: Privilege,
) -> Result<(), UnpackError> {
    let mut file = new_file(&place.parent, place.name).map_err(at("create", place.path))?;
    let whole = [(0, member.size)];
    let parts = member.sparse.as_ref().map_or(&whole[..], |map| &map.pieces);
    for (offset, length) in parts {
        file.seek(SeekFrom::Start(*offset))
            .map_err(at("write", place.path))?;
        copy(&mut content.take(*length), &mut file, piece, place.path)?;
    }
    if member.sparse.is_some() {
        file.set_len(member.size).map_err(at("write", place.path))?;
    }
    let given = Attributes::of_member(member).give(&file.into(), privilege);
    given.map_err(at("finish", place.path))
}

/// Copies all of `content`, which must not end before its limit.
fn copy(
    content: &mut io::Take<impl Read>,
    file: &mut File,
    piece: &mut [u8],
    path: &CleanPath,
) -> Result<(), UnpackError> {
    while content.limit() > 0 {
        let count = content.read(piece).map_err(UnpackError::Broken)?;
        if count == 0 {
            return Err(UnpackError::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        file.write_all(&piece[..count]).map_err(at("write", path))?;
    }
    Ok(())
}

pub(super) fn symlink(
    place: &Place<'_>,
    member: &Member,
    privilege: Privilege,
) -> Result<(), UnpackError> {
    let Place { path, parent, name } = place;
    rustix::fs::symlinkat(&member.link[..], parent, *name).map_err(at("link", path))?;
    let given = Attributes::of_member(member).give_unopened(parent, name, privilege);
    given.map_err(at("finish", path))
}

/// Makes a device or a pipe.
pub(super) fn node(
    place: &Place<'_>,
    member: &Member,
    privilege: Privilege,
) -> Result<(), UnpackError> {
    let Place { path, parent, name } = place;
    let number = rustix::fs::makedev(member.device.0, member.device.1);
    let (kind, number) = match member.kind {
        Kind::CharDevice if number == 0 => {
            return Err(refuse(
                path,
                "this device would hide a file of another layer",
            ));
        }
        Kind::CharDevice => (FileType::CharacterDevice, number),
        Kind::BlockDevice => (FileType::BlockDevice, number),
        Kind::Fifo => (FileType::Fifo, 0),
        Kind::File | Kind::HardLink | Kind::Symlink | Kind::Directory => {
            unreachable!("other members are placed by others")
        }
    };
    match rustix::fs::mknodat(parent, *name, kind, Mode::RUSR, number) {
        // A container has its own devices.
        Err(Errno::PERM) if privilege == Privilege::User => return Ok(()),
        outcome => outcome.map_err(at("make the device", path))?,
    }
    let given = Attributes::of_member(member).give_unopened(parent, name, privilege);
    given.map_err(at("finish", path))
}

/// Makes a folder, unless there is one.
pub(super) fn make_folder(parent: &OwnedFd, name: &[u8]) -> io::Result<()> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if is_folder(parent, name)? => Ok(()),
        Err(Errno::EXIST) => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "what is there is a file, or a link to no folder of this layer",
        )),
        Err(why) => Err(why.into()),
    }
}

fn is_folder(parent: &OwnedFd, name: &[u8]) -> io::Result<bool> {
    let there = look(parent, name)?;
    Ok(there.is_some_and(|there| type_of(&there) == FileType::Directory))
}

/// A file that was not there before.
pub(super) fn new_file(parent: &OwnedFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?;
    Ok(File::from(file))
}

pub(super) fn is_missing(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::NotFound
}

pub(super) fn refuse(path: &CleanPath, why: &'static str) -> UnpackError {
    UnpackError::Unsafe {
        path: path.to_string(),
        why,
    }
}
