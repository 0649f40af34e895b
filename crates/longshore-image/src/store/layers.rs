//! Unpacked layers: made once, whoever wants them, and shared by all images that have them.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::claim::{Claim, Shape, Turn};
use super::files::Durability;
use super::{ImageStore, files};
use crate::digest::Digest;
use crate::error::{ImageError, Tried};
use crate::unpack::{Needs, Tether, Unpack, content, remove_tree, settle, unpack};

const FOLDER: &str = "layers";
const MAKING: &str = "making";
const RECORD: &str = "layer.json";

/// One layer of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerWish {
    /// The digest of its bytes, not compressed.
    pub(crate) diff_id: Digest,
    /// The digest of it and all below it.
    pub(crate) chain_id: Digest,
}

impl LayerWish {
    /// All layers of an image, from the bottom up.
    pub(crate) fn all(diff_ids: &[Digest]) -> Vec<Self> {
        let mut below: Option<Digest> = None;
        let wishes = diff_ids.iter().map(|diff_id| {
            let chain_id = match below {
                None => *diff_id,
                Some(below) => Digest::of(format!("{below} {diff_id}").as_bytes()),
            };
            below = Some(chain_id);
            Self {
                diff_id: *diff_id,
                chain_id,
            }
        });
        wishes.collect()
    }
}

/// What is known of an unpacked layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayerRecord {
    pub(super) diff_id: Digest,
    pub(super) size_bytes: u64,
    /// Is nothing of the layers below it seen?
    pub(super) hides_all: bool,
    /// Does it say what rights the root of the image has?
    pub(super) describes_root: bool,
}

/// A layer that has been made.
#[derive(Debug)]
pub(crate) enum Made {
    /// It is in the store by this name.
    Ready(Digest),
    /// It needs those below it.
    Waits(Box<Waiting>),
}

/// A layer that needs those below it.
#[derive(Debug)]
pub(crate) struct Waiting {
    folder: PathBuf,
    claim: Claim,
    record: LayerRecord,
    needs: Needs,
}

impl ImageStore {
    /// The name by which a layer is in the store, if it is.
    pub(crate) fn layer(&self, wish: &LayerWish) -> Option<Digest> {
        let names = [wish.chain_id, wish.diff_id];
        names
            .into_iter()
            .find(|name| self.layer_path(name).is_dir())
    }

    /// Asks for the right to unpack a layer.
    pub(crate) fn claim_layer(&self, wish: &LayerWish) -> Result<Turn<Claim>, ImageError> {
        if self.layer(wish).is_some() {
            return Ok(Turn::Done);
        }
        let path = self.path(MAKING, &wish.diff_id.hex());
        let Some(claim) = Claim::ask(&path, Shape::Folder)? else {
            return Ok(Turn::Others(0));
        };
        if self.layer(wish).is_some() {
            remove_tree(&path).tried("remove", &path)?;
            return Ok(Turn::Done);
        }
        Ok(Turn::Mine(claim))
    }

    /// Unpacks a layer, under a claim on it, from a blob of the store.
    pub(crate) fn unpack_layer(
        &self,
        wish: &LayerWish,
        blob: &Digest,
        claim: Claim,
        tether: &Tether,
    ) -> Result<Made, ImageError> {
        let folder = claim.path().to_path_buf();
        let into = content(&folder);
        // Half of it may be there, of one who was killed.
        remove_tree(&into).tried("remove", &into)?;
        fs::create_dir(&into).tried("make the folder", &into)?;
        fs::set_permissions(&into, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tried("open the folder", &into)?;
        let wanted = Unpack {
            diff_id: wish.diff_id,
            into: &into,
            limits: self.limits,
            privilege: self.privilege,
            tether,
        };
        let unpacked = unpack(self.open_blob(blob)?, &wanted).map_err(|source| {
            // What is wrong stays wrong; nothing of it is worth keeping.
            let _ = remove_tree(&folder);
            ImageError::Layer {
                layer: wish.diff_id,
                source,
            }
        })?;
        let record = LayerRecord {
            diff_id: wish.diff_id,
            size_bytes: unpacked.size_bytes,
            hides_all: unpacked.hides_all,
            describes_root: unpacked.describes_root,
        };
        if unpacked.needs.is_empty() {
            return self
                .keep_layer(&claim, &record, wish.diff_id)
                .map(Made::Ready);
        }
        self.set_aside(claim, record, unpacked.needs)
    }

    /// Others need not wait for a layer that waits itself: each who wants it makes his own.
    fn set_aside(
        &self,
        claim: Claim,
        record: LayerRecord,
        needs: Needs,
    ) -> Result<Made, ImageError> {
        let making = self.root().join(MAKING);
        let aside = tempfile::Builder::new()
            .prefix("aside-")
            .tempdir_in(&making);
        let folder = aside.tried("make a folder in", &making)?.keep();
        fs::rename(claim.path(), &folder).tried("name", &folder)?;
        Ok(Made::Waits(Box::new(Waiting {
            folder,
            claim,
            record,
            needs,
        })))
    }

    /// Gives a layer what it needs of those below it, which are `lower`, from the bottom up.
    pub(crate) fn settle_layer(
        &self,
        wish: &LayerWish,
        waiting: Waiting,
        lower: &[Digest],
    ) -> Result<Digest, ImageError> {
        let lower: Vec<PathBuf> = lower
            .iter()
            .rev()
            .map(|name| self.layer_content(name))
            .collect();
        let own = content(&waiting.folder);
        let settled = settle(&own, waiting.needs, &lower, self.privilege);
        settled.map_err(|source| ImageError::Layer {
            layer: wish.diff_id,
            source,
        })?;
        let claim = waiting.claim.renamed(waiting.folder);
        self.keep_layer(&claim, &waiting.record, wish.chain_id)
    }

    /// Everything of a layer is on the disk before it has its name: a power cut must not leave
    /// empty files behind a name that says that all is well.
    fn keep_layer(
        &self,
        claim: &Claim,
        record: &LayerRecord,
        name: Digest,
    ) -> Result<Digest, ImageError> {
        let making = claim.path();
        files::write_json(&making.join(RECORD), record, Durability::Now)?;
        let folder = File::open(making).tried("open", making)?;
        rustix::fs::syncfs(&folder).tried("bring to the disk", making)?;
        let path = self.layer_path(&name);
        match fs::rename(making, &path) {
            // Another was faster.
            Err(why) if is_there(&why) => remove_tree(making).tried("remove", making)?,
            outcome => outcome.tried("name", &path)?,
        }
        files::sync_folder(&self.root().join(FOLDER))?;
        Ok(name)
    }

    pub(super) fn layer_record(&self, name: &Digest) -> Result<Option<LayerRecord>, ImageError> {
        files::read_json(&self.layer_path(name).join(RECORD))
    }

    pub(super) fn layer_content(&self, name: &Digest) -> PathBuf {
        content(&self.layer_path(name))
    }

    fn layer_path(&self, name: &Digest) -> PathBuf {
        self.path(FOLDER, &name.hex())
    }
}

fn is_there(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_names_a_layer_and_all_below_it() {
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let wishes = LayerWish::all(&[one, two]);
        assert_eq!(wishes[0].chain_id, one);
        assert_eq!(
            wishes[1].chain_id,
            Digest::of(format!("{one} {two}").as_bytes())
        );
    }
}
