//! Owner, rights, times and extended attributes of what is unpacked.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::tree::{open_folder, proc_path};
use crate::tar_extra::Moment;
use crate::tar_stream::Member;

/// Attributes by which overlayfs knows its own: in a layer they would forge its state.
const OVERLAY: [&[u8]; 2] = [b"trusted.", b"user.overlay."];

/// What this process may do with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    /// Any owner, any device, and `trusted` attributes.
    Root,
    /// Its own files alone: owners, devices and capabilities that it may not give are left out.
    User,
}

impl Privilege {
    /// Finds out in an empty folder of ours.
    pub(crate) fn of_this_process(folder: &Path) -> io::Result<Self> {
        let probe = tempfile::tempdir_in(folder)?;
        let folder = open_folder(
            &rustix::fs::CWD,
            probe.path().as_os_str().as_encoded_bytes(),
        )?;
        let name = Self::Root.opaque();
        match rustix::fs::fsetxattr(&folder, name, b"n", XattrFlags::empty()) {
            Ok(()) => Ok(Self::Root),
            Err(_) => Ok(Self::User),
        }
    }

    /// The attribute of a folder that hides those below it.
    pub(super) fn opaque(self) -> &'static str {
        match self {
            Self::Root => "trusted.overlay.opaque",
            Self::User => "user.overlay.opaque",
        }
    }

    /// The attribute of an empty file that hides one below it.
    pub(super) fn whiteout(self) -> &'static str {
        match self {
            Self::Root => "trusted.overlay.whiteout",
            Self::User => "user.overlay.whiteout",
        }
    }

    /// Lets pass what an ordinary user may not do.
    pub(super) fn allow(self, outcome: rustix::io::Result<()>) -> io::Result<()> {
        match (self, outcome) {
            (Self::User, Err(Errno::PERM | Errno::INVAL)) => Ok(()),
            (Self::Root | Self::User, outcome) => Ok(outcome?),
        }
    }
}

/// What a file has beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: Moment,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    pub(super) fn of_member(member: &Member) -> Self {
        let attributes = Self {
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            mtime: member.mtime,
            xattrs: member.xattrs.clone(),
        };
        attributes.without_overlay()
    }

    /// Without what overlayfs keeps for itself.
    pub(super) fn without_overlay(mut self) -> Self {
        let is_overlay = |name: &[u8]| OVERLAY.iter().any(|prefix| name.starts_with(prefix));
        self.xattrs.retain(|(name, _)| !is_overlay(name));
        self
    }

    /// Of a folder that no member describes.
    pub(super) fn of_implied_folder() -> Self {
        Self {
            mode: 0o755,
            ..Self::default()
        }
    }

    /// Reads those of a file that lies on the disk.
    pub(super) fn read(folder: &impl AsFd, name: &[u8]) -> io::Result<Self> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Self {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mtime: Moment {
                seconds: stat.st_mtime,
                nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            },
            xattrs: read_xattrs(&proc_path(folder, name))?,
        })
    }

    /// Gives them to an open file or folder. The order matters: a new owner takes capabilities and
    /// set-id bits away, and any change is one of the time.
    pub(super) fn give(&self, file: &OwnedFd, privilege: Privilege) -> io::Result<()> {
        privilege.allow(rustix::fs::fchown(
            file,
            Some(self.owner()),
            Some(self.group()),
        ))?;
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode))?;
        for (name, value) in &self.xattrs {
            let set = rustix::fs::fsetxattr(file, &name[..], value, XattrFlags::empty());
            allow_xattr(set, privilege)?;
        }
        Ok(rustix::fs::futimens(file, &self.times())?)
    }

    /// Gives them to what cannot be opened: a link, a device, a pipe.
    pub(super) fn give_unopened(
        &self,
        folder: &OwnedFd,
        name: &[u8],
        privilege: Privilege,
    ) -> io::Result<()> {
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        let (owner, group) = (Some(self.owner()), Some(self.group()));
        privilege.allow(rustix::fs::chownat(folder, name, owner, group, nofollow))?;
        let stat = rustix::fs::statat(folder, name, nofollow)?;
        if !super::tree::type_of(&stat).is_symlink() {
            rustix::fs::chmodat(
                folder,
                name,
                Mode::from_raw_mode(self.mode),
                AtFlags::empty(),
            )?;
        }
        let path = proc_path(folder, name);
        for (name, value) in &self.xattrs {
            let set = rustix::fs::lsetxattr(&path, &name[..], value, XattrFlags::empty());
            allow_xattr(set, privilege)?;
        }
        Ok(rustix::fs::utimensat(
            folder,
            name,
            &self.times(),
            nofollow,
        )?)
    }

    fn owner(&self) -> Uid {
        Uid::from_raw(self.uid)
    }

    fn group(&self) -> Gid {
        Gid::from_raw(self.gid)
    }

    fn times(&self) -> Timestamps {
        let time = Timespec {
            tv_sec: self.mtime.seconds,
            tv_nsec: i64::from(self.mtime.nanos),
        };
        Timestamps {
            last_access: time,
            last_modification: time,
        }
    }
}

/// Not every file system has every kind of attribute; Docker does without them, too.
fn allow_xattr(outcome: rustix::io::Result<()>, privilege: Privilege) -> io::Result<()> {
    match outcome {
        Err(Errno::NOTSUP) => Ok(()),
        outcome => privilege.allow(outcome),
    }
}

fn read_xattrs(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    const LIST_BYTES: usize = 64 * 1024;
    let mut names = Vec::with_capacity(LIST_BYTES);
    match rustix::fs::llistxattr(path, rustix::buffer::spare_capacity(&mut names)) {
        Ok(_) => {}
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(why) => return Err(why.into()),
    }
    let mut found = Vec::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = Vec::with_capacity(LIST_BYTES);
        rustix::fs::lgetxattr(path, name, rustix::buffer::spare_capacity(&mut value))?;
        found.push((name.to_vec(), value));
    }
    Ok(found)
}
