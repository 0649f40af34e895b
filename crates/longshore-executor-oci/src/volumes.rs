//! Named volumes: a folder each, made when a container first asks for one, never removed with it.
//!
//! ```text
//! NAME/content      what is mounted
//! NAME/labels.json  labels, where there are any
//! ```

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use longshore_core::spec::{MountKind, MountSpec};
use longshore_executor::ExecutorError;

use crate::faults;

const CONTENT: &str = "content";
const LABELS: &str = "labels.json";
/// As an engine makes its volumes: what is in them belongs to whom it likes.
const MODE: u32 = 0o755;

/// A named volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedVolume {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) created_at: Option<Timestamp>,
}

/// The folder that a named volume is.
pub(crate) fn content(volumes: &Path, name: &str) -> PathBuf {
    volumes.join(name).join(CONTENT)
}

/// Makes those of these mounts that are missing.
pub(crate) fn make(volumes: &Path, mounts: &[MountSpec]) -> Result<(), ExecutorError> {
    let named = mounts
        .iter()
        .filter(|mount| mount.kind() == MountKind::Volume)
        .filter_map(MountSpec::source);
    for name in named {
        let folder = content(volumes, name);
        let made = DirBuilder::new().recursive(true).mode(MODE).create(folder);
        made.map_err(|why| faults::of_file(&format!("make volume {name}"), why))?;
    }
    Ok(())
}

/// All that there are.
pub(crate) fn list(volumes: &Path) -> Result<Vec<NamedVolume>, ExecutorError> {
    let of_file = |why| faults::of_file("list volumes", why);
    let entries = match fs::read_dir(volumes) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(of_file)?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(of_file)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Ok(found) = fs::metadata(content(volumes, &name)) else {
            continue;
        };
        let labels = fs::read(entry.path().join(LABELS)).unwrap_or_default();
        let created_at = found.created().ok();
        all.push(NamedVolume {
            labels: serde_json::from_slice(&labels).unwrap_or_default(),
            created_at: created_at.and_then(|time| Timestamp::try_from(time).ok()),
            name,
        });
    }
    Ok(all)
}

/// Removes one; was it there? It is out of everybody's sight before anything in it is removed.
pub(crate) fn remove(volumes: &Path, name: &str) -> Result<bool, ExecutorError> {
    let of_file = |why| faults::of_file(&format!("remove volume {name}"), why);
    let leaving = volumes.with_file_name("leaving");
    fs::create_dir_all(&leaving).map_err(of_file)?;
    let aside = leaving.join(name);
    // Whoever began before may have been killed at it.
    discard(&aside).map_err(of_file)?;
    match fs::rename(volumes.join(name), &aside) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        moved => moved.map_err(of_file)?,
    }
    discard(&aside).map_err(of_file)?;
    Ok(true)
}

fn discard(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_made_once_listed_and_removed_once() {
        let folder = tempfile::tempdir().unwrap();
        let volumes = folder.path().join("volumes");
        assert_eq!(list(&volumes).unwrap(), []);
        let mounts = ["cache:/c".parse().unwrap(), "/v".parse().unwrap()];
        make(&volumes, &mounts).unwrap();
        fs::write(content(&volumes, "cache").join("kept"), "x").unwrap();
        make(&volumes, &mounts).unwrap();
        let listed = list(&volumes).unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].name, "cache");
        assert!(content(&volumes, "cache").join("kept").exists());
        assert!(remove(&volumes, "cache").unwrap());
        assert!(!remove(&volumes, "cache").unwrap());
        assert_eq!(list(&volumes).unwrap(), []);
    }
}
