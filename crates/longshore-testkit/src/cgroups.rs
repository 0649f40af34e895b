//! Removing the control groups that an engine leaves behind when it is killed.

use std::fs;
use std::path::{Path, PathBuf};

const MOUNT: &str = "/sys/fs/cgroup";

/// Removes the group `name` below the root of every hierarchy (version 1, 2 or both). `true` when
/// none is left; groups that still hold processes stay.
pub(crate) fn remove_group(name: &str) -> bool {
    let mut roots = vec![PathBuf::from(MOUNT)];
    roots.extend(folders_in(Path::new(MOUNT)));
    let groups: Vec<PathBuf> = roots.iter().map(|root| root.join(name)).collect();
    for group in &groups {
        remove_tree(group);
    }
    groups.iter().all(|group| !group.exists())
}

fn remove_tree(group: &Path) {
    for child in folders_in(group) {
        remove_tree(&child);
    }
    // A group with processes stays; the caller looks again.
    let _ = fs::remove_dir(group);
}

fn folders_in(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let real = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries
        .flatten()
        .filter(real)
        .map(|entry| entry.path())
        .collect()
}
