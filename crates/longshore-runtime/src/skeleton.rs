//! The lowest layer of every container: what things are mounted on that an image may not have.
//!
//! It is made once for all of them. Otherwise each container would have to make these in a layer of
//! its own, and file systems are slow at making what is removed a moment later.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::IFlags;

const FOLDERS: [(&str, u32); 4] = [
    ("dev", 0o755),
    ("etc", 0o755),
    ("proc", 0o555),
    ("sys", 0o555),
];
const FILES: [&str; 3] = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];

/// Makes the layer, unless it is there.
pub(crate) fn make(layer: &Path) -> io::Result<()> {
    for (name, rights) in FOLDERS {
        let folder = layer.join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(rights))?;
    }
    for name in FILES {
        let path = layer.join(name);
        File::options().create(true).append(true).open(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// Asks the file system to keep what is below each folder in here apart. ext4 passes by the numbers of
/// files that were removed within the last minute one by one, for each file that it makes in the same
/// part of the disk: with containers by the thousand that was a third of the time of each.
pub(crate) fn spread(folder: &Path) -> io::Result<()> {
    let opened = File::open(folder)?;
    // Others have no such wish, and do not need it.
    if let Ok(flags) = rustix::fs::ioctl_getflags(opened.as_fd()) {
        let _ = rustix::fs::ioctl_setflags(opened.as_fd(), flags | IFlags::TOPDIR);
    }
    Ok(())
}
