//! Holds: what keeps layers and blobs from being collected.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::files::Durability;
use super::{ImageStore, StoredImage, files};
use crate::digest::Digest;
use crate::error::{ImageError, Tried};

const FOLDER: &str = "holds";
const LOCK: &str = "store.lock";
const OWNED: &str = "owned-";
const PULL: &str = "pull-";

/// Layers and blobs that somebody needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) layers: BTreeSet<Digest>,
    pub(crate) blobs: BTreeSet<Digest>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HoldRecord {
    owner: String,
    wanted: Wanted,
}

/// The hold of a pull or an import; it ends with this value, or with the process.
#[derive(Debug)]
pub(crate) struct PullHold {
    path: PathBuf,
    _lock: File,
}

impl Drop for PullHold {
    fn drop(&mut self) {
        // One that stays is seen to be nobody's, since its lock is gone.
        let _ = fs::remove_file(&self.path);
    }
}

impl ImageStore {
    /// Keeps the image's layers until [`ImageStore::release`] is called with the same `owner`, also
    /// when this process ends before. A second hold of an owner replaces the first one. It does not
    /// wait for the disk: where the power takes one along, its image may be collected before it is
    /// needed.
    ///
    /// # Errors
    /// [`ImageError::Gone`] when some of the image has been collected; else when the disk fails.
    pub fn hold(&self, owner: &str, image: &StoredImage) -> Result<(), ImageError> {
        let _shared = self.lock(FlockOperation::LockShared)?;
        if !self.is_whole(image.record()) {
            let image = image.name().to_owned();
            return Err(ImageError::Gone { image });
        }
        let record = HoldRecord {
            owner: owner.to_owned(),
            wanted: image.record().wanted(),
        };
        files::write_json(&self.hold_path(owner), &record, Durability::Later)
    }

    /// Ends the hold of `owner`; fine when there is none.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn release(&self, owner: &str) -> Result<(), ImageError> {
        let path = self.hold_path(owner);
        match fs::remove_file(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome.tried("remove", path),
        }
    }

    /// Who has holds now.
    ///
    /// # Errors
    /// When the disk fails, or a record cannot be read.
    pub fn holders(&self) -> Result<Vec<String>, ImageError> {
        let records = self
            .hold_names(OWNED)?
            .into_iter()
            .map(|name| self.hold_record(&name));
        let owners =
            records.filter_map(|record| record.map(|it| it.map(|it| it.owner)).transpose());
        owners.collect()
    }

    /// Keeps what a pull is about to bring.
    pub(crate) fn hold_for_pull(&self, wanted: &Wanted) -> Result<PullHold, ImageError> {
        let _shared = self.lock(FlockOperation::LockShared)?;
        let folder = self.root().join(FOLDER);
        let aside = tempfile::Builder::new()
            .prefix(PULL)
            .suffix(".json")
            .tempfile_in(&folder);
        let (mut file, path) = aside
            .tried("write in", &folder)?
            .keep()
            .map_err(|why| why.error)
            .tried("write in", &folder)?;
        let hold = PullHold {
            _lock: file.try_clone().tried("lock", &path)?,
            path,
        };
        rustix::fs::flock(&file, FlockOperation::LockExclusive).tried("lock", &hold.path)?;
        let record = HoldRecord {
            owner: String::new(),
            wanted: wanted.clone(),
        };
        let text = serde_json::to_vec(&record).expect("records of ours are plain JSON");
        file.write_all(&text).tried("write", &hold.path)?;
        Ok(hold)
    }

    /// Everything that is held. Asked for by who holds the store's lock alone.
    pub(super) fn held(&self) -> Result<Vec<Wanted>, ImageError> {
        let mut held = Vec::new();
        for name in self.hold_names(PULL)? {
            let path = self.path(FOLDER, &name);
            match is_locked(&path) {
                Ok(true) => {}
                Ok(false) => {
                    let _ = fs::remove_file(&path);
                    continue;
                }
                Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                Err(why) => return Err(why).tried("look at", &path),
            }
            held.extend(self.hold_record(&name)?.map(|record| record.wanted));
        }
        for name in self.hold_names(OWNED)? {
            held.extend(self.hold_record(&name)?.map(|record| record.wanted));
        }
        Ok(held)
    }

    /// Waits for the store's lock, which nobody has for long.
    pub(super) fn lock(&self, how: FlockOperation) -> Result<File, ImageError> {
        let path = self.root().join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.tried("open", &path)?;
        rustix::fs::flock(&file, how).tried("lock", &path)?;
        Ok(file)
    }

    fn hold_names(&self, prefix: &str) -> Result<Vec<String>, ImageError> {
        let mut names = files::names(&self.root().join(FOLDER))?;
        names.retain(|name| name.starts_with(prefix));
        Ok(names)
    }

    fn hold_record(&self, name: &str) -> Result<Option<HoldRecord>, ImageError> {
        let path = self.path(FOLDER, name);
        // The power went while it was written.
        let is_empty = fs::metadata(&path).is_ok_and(|found| found.len() == 0);
        if is_empty && name.starts_with(OWNED) {
            return Ok(None);
        }
        files::read_json(&path)
    }

    fn hold_path(&self, owner: &str) -> PathBuf {
        let owner = Digest::of(owner.as_bytes()).hex();
        self.path(FOLDER, &format!("{OWNED}{owner}.json"))
    }
}

fn is_locked(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(why) => Err(why.into()),
    }
}
