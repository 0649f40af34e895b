//! Removing what no name and no hold needs.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::claim::Claim;
use super::holds::Wanted;
use super::{ImageStore, files};
use crate::digest::Digest;
use crate::error::{ImageError, Tried};
use crate::unpack::remove_tree;

const MAKING: &str = "making";

/// What a collection has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Unpacked layers.
    pub layers: u64,
    /// Documents, and layers that were not unpacked.
    pub blobs: u64,
    /// What earlier tries had left half done.
    pub unfinished: u64,
    /// Bytes of the files of removed layers, and of removed blobs.
    pub size_bytes: u64,
}

impl ImageStore {
    /// Removes what no name and no hold needs, and what killed processes have left half done.
    /// Processes may pull, hold and collect at the same time.
    ///
    /// # Errors
    /// When the disk fails, or a record cannot be read: nothing is removed that could be needed.
    pub fn collect(&self) -> Result<Collected, ImageError> {
        let mut collected = Collected::default();
        let leaving = self.sweep(&mut collected)?;
        // The slow part, while others go on: nothing of it has a name any more.
        for path in leaving {
            remove_tree(&path).tried("remove", &path)?;
        }
        self.remove_unfinished(&mut collected)?;
        Ok(collected)
    }

    /// Moves unneeded layers out of the way. Nobody can begin to need one meanwhile.
    fn sweep(&self, collected: &mut Collected) -> Result<Vec<PathBuf>, ImageError> {
        let _alone = self.lock(FlockOperation::LockExclusive)?;
        let wanted = self.all_wanted()?;
        let mut leaving = Vec::new();
        for name in files::names(&self.root().join("layers"))? {
            if wanted.layers.contains(&named(&name)?) {
                continue;
            }
            let record = self.layer_record(&named(&name)?)?;
            let path = self.path(MAKING, &format!("leaving-{name}"));
            let layer = self.path("layers", &name);
            fs::rename(&layer, &path).tried("move away", &layer)?;
            collected.layers += 1;
            collected.size_bytes += record.map_or(0, |record| record.size_bytes);
            leaving.push(path);
        }
        self.sweep_blobs(&wanted, collected)?;
        self.sweep_ingest(&wanted, collected)?;
        Ok(leaving)
    }

    fn all_wanted(&self) -> Result<Wanted, ImageError> {
        let mut wanted = Wanted::default();
        let named = self.records()?.into_iter().map(|record| record.wanted());
        for more in named.chain(self.held()?) {
            wanted.layers.extend(more.layers);
            wanted.blobs.extend(more.blobs);
        }
        Ok(wanted)
    }

    fn sweep_blobs(&self, wanted: &Wanted, collected: &mut Collected) -> Result<(), ImageError> {
        for name in files::names(&self.root().join("blobs/sha256"))? {
            if !wanted.blobs.contains(&named(&name)?) {
                let path = self.path("blobs/sha256", &name);
                collected.size_bytes += fs::metadata(&path).map_or(0, |it| it.len());
                collected.blobs += 1;
                fs::remove_file(&path).tried("remove", &path)?;
            }
        }
        Ok(())
    }

    fn sweep_ingest(&self, wanted: &Wanted, collected: &mut Collected) -> Result<(), ImageError> {
        for name in files::names(&self.root().join("ingest"))? {
            if !wanted.blobs.contains(&named(&name)?) {
                remove_if_nobodys(&self.path("ingest", &name), collected)?;
            }
        }
        Ok(())
    }

    fn remove_unfinished(&self, collected: &mut Collected) -> Result<(), ImageError> {
        for name in files::names(&self.root().join(MAKING))? {
            remove_if_nobodys(&self.path(MAKING, &name), collected)?;
        }
        Ok(())
    }
}

fn remove_if_nobodys(path: &Path, collected: &mut Collected) -> Result<(), ImageError> {
    let Some(claim) = Claim::of_existing(path)? else {
        return Ok(());
    };
    remove_tree(claim.path()).tried("remove", claim.path())?;
    collected.unfinished += 1;
    Ok(())
}

fn named(name: &str) -> Result<Digest, ImageError> {
    Digest::from_hex(name).map_err(|why| ImageError::malformed("a file of the image store", why))
}
