//! Mounting what a container has besides its root, before it begins. The names of where things go are
//! the image's to lay links on: none of them leads out of the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::{fs, io};

use libcontainer::rootfs::utils::{MountOptionConfig, is_bind, parse_mount};
use libcontainer::syscall::linux::{AT_EMPTY_PATH, AT_RECURSIVE, MountAttr};
use libcontainer::syscall::syscall::SyscallType;
use nix::mount::MsFlags;
use oci_spec::runtime::Mount;
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::inside::{self, Links};

/// What could not be mounted.
#[derive(Debug, thiserror::Error)]
#[error("cannot mount {} at {}: {source}", what.display(), at.display())]
pub(crate) struct MountingError {
    what: PathBuf,
    at: PathBuf,
    source: io::Error,
}

/// Who mounts what of the mounts of a container.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// Its supervisor.
    pub(crate) supervisor: Vec<Mount>,
    /// Its first process, which alone can: they show namespaces that it is in and its supervisor is not.
    pub(crate) first_process: Vec<Mount>,
    /// libcontainer: what lies on what shows namespaces, and may lie on some of it only.
    pub(crate) library: Vec<Mount>,
}

impl Shares {
    pub(crate) fn of(mounts: Vec<Mount>) -> Self {
        let mut shares = Self::default();
        for mount in mounts {
            let is_in_proc = mount.destination().starts_with("/proc");
            let share = match mount.typ().as_deref() {
                Some("proc") if mount.destination() == Path::new("/proc") => {
                    &mut shares.first_process
                }
                Some("cgroup") => &mut shares.library,
                _ if is_in_proc => &mut shares.library,
                _ => &mut shares.supervisor,
            };
            share.push(mount);
        }
        shares
    }
}

/// Mounts these below the root, in this order.
pub(crate) fn mount_all(root: BorrowedFd<'_>, mounts: &[Mount]) -> Result<(), MountingError> {
    mounts.iter().try_for_each(|mount| {
        mount_one(root, mount).map_err(|source| MountingError {
            what: mount.source().clone().unwrap_or_default(),
            at: mount.destination().clone(),
            source,
        })
    })
}

fn mount_one(root: BorrowedFd<'_>, mount: &Mount) -> io::Result<()> {
    let options = parse_mount(mount).map_err(io::Error::other)?;
    let at = mount.destination();
    let kind = mount.typ().as_deref().unwrap_or_default();
    let source = mount.source().as_deref().unwrap_or(Path::new(kind));
    let (mounted, at) = if is_bind(mount) {
        let at = if fs::metadata(source)?.is_dir() {
            inside::folder_at(root, at, Links::Followed)?
        } else {
            inside::file_at(root, at)?
        };
        (tree_of(source, mount, &options)?, at)
    } else {
        // An image that has a link there could have the kernel's settings be written elsewhere.
        let links = match kind {
            "proc" | "sysfs" => Links::Refused,
            _ => Links::Followed,
        };
        let at = inside::folder_at(root, at, links)?;
        (file_system(kind, source, mount, &options)?, at)
    };
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(&mounted, c"", &at, c"", empty)?)
}

/// What is at `source`, with all that is mounted below.
fn tree_of(source: &Path, mount: &Mount, options: &MountOptionConfig) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let said = mount.options().iter().flatten();
    if said.into_iter().any(|option| option == "rbind") {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = open_tree(CWD, source, flags)?;
    let top = attributes(options.flags);
    if top != MountAttrFlags::empty() {
        let top = MountAttr {
            attr_set: top.bits().into(),
            attr_clr: atime_of(top).bits().into(),
            propagation: 0,
            userns_fd: 0,
        };
        set_attributes(tree.as_fd(), AT_EMPTY_PATH, &top)?;
    }
    if let Some(all) = &options.rec_attr {
        set_attributes(tree.as_fd(), AT_EMPTY_PATH | AT_RECURSIVE, all)?;
    }
    Ok(tree)
}

/// All times are set as one.
fn atime_of(set: MountAttrFlags) -> MountAttrFlags {
    let times = MountAttrFlags::MOUNT_ATTR__ATIME;
    if set.intersects(times) {
        times
    } else {
        MountAttrFlags::empty()
    }
}

fn set_attributes(tree: BorrowedFd<'_>, flags: u32, attributes: &MountAttr) -> io::Result<()> {
    let system = SyscallType::default().create_syscall();
    system
        .mount_setattr(
            tree,
            Path::new(""),
            flags,
            attributes,
            size_of::<MountAttr>(),
        )
        .map_err(io::Error::other)
}

/// A new file system.
fn file_system(
    kind: &str,
    source: &Path,
    mount: &Mount,
    options: &MountOptionConfig,
) -> io::Result<OwnedFd> {
    let made = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(made.as_fd(), c"source", source)?;
    for option in options.data.iter().filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some((key, value)) => fsconfig_set_string(made.as_fd(), key, value)?,
            None => fsconfig_set_flag(made.as_fd(), option.as_str())?,
        }
    }
    fsconfig_create(made.as_fd())?;
    let mut flags = attributes(options.flags);
    if mount.destination() == Path::new("/dev") {
        // Nodes are made in it.
        flags.remove(MountAttrFlags::MOUNT_ATTR_RDONLY);
    }
    Ok(fsmount(made.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
}

fn attributes(flags: MsFlags) -> MountAttrFlags {
    let pairs = [
        (MsFlags::MS_RDONLY, MountAttrFlags::MOUNT_ATTR_RDONLY),
        (MsFlags::MS_NOSUID, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (MsFlags::MS_NODEV, MountAttrFlags::MOUNT_ATTR_NODEV),
        (MsFlags::MS_NOEXEC, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (MsFlags::MS_NOATIME, MountAttrFlags::MOUNT_ATTR_NOATIME),
        (
            MsFlags::MS_NODIRATIME,
            MountAttrFlags::MOUNT_ATTR_NODIRATIME,
        ),
        (
            MsFlags::MS_STRICTATIME,
            MountAttrFlags::MOUNT_ATTR_STRICTATIME,
        ),
    ];
    let set = pairs.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.fold(MountAttrFlags::empty(), |all, (_, one)| all | one)
}
