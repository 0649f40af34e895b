//! What lies in a folder, in a form that can be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// A file, a folder or a link, and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) what: What,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    pub(super) mtime: (i64, i64),
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Fifo,
    Device {
        block: bool,
        number: u64,
    },
    /// The same file as an earlier one.
    Same(String),
}

/// Everything below `root`, by path.
pub(super) fn seen(root: &Path) -> BTreeMap<String, Seen> {
    let mut all = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    collect(root, root, &mut |path, full| {
        let about = fs::symlink_metadata(full).unwrap();
        let first = inodes
            .entry(about.ino())
            .or_insert_with(|| path.clone())
            .clone();
        let what = if first != path && !about.is_dir() {
            What::Same(first)
        } else {
            what(full, &about)
        };
        let seen = Seen {
            what,
            mode: about.mode() & 0o7777,
            owner: (about.uid(), about.gid()),
            mtime: (about.mtime(), about.mtime_nsec()),
            xattrs: xattrs(full),
        };
        all.insert(path, seen);
    });
    all
}

fn collect(root: &Path, folder: &Path, each: &mut impl FnMut(String, &Path)) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        each(name, &path);
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            collect(root, &path, each);
        }
    }
}

fn what(path: &Path, about: &fs::Metadata) -> What {
    let kind = about.file_type();
    if kind.is_dir() {
        return What::Folder;
    }
    if kind.is_symlink() {
        return What::Symlink(fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec());
    }
    if kind.is_file() {
        return What::File(fs::read(path).unwrap());
    }
    if kind.is_fifo() {
        return What::Fifo;
    }
    What::Device {
        block: kind.is_block_device(),
        number: about.rdev(),
    }
}

fn xattrs(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = Vec::with_capacity(4096);
    rustix::fs::llistxattr(path, rustix::buffer::spare_capacity(&mut names)).unwrap();
    let names = names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let read = |name: &[u8]| {
        let mut value = Vec::with_capacity(4096);
        rustix::fs::lgetxattr(path, name, rustix::buffer::spare_capacity(&mut value)).unwrap();
        (name.to_vec(), value)
    };
    names.map(read).collect()
}
