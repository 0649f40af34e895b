//! The folder of images: documents by digest, unpacked layers, names, and holds on them.
//!
//! ```text
//! blobs/sha256/HEX       whole documents and layers that wait to be unpacked
//! ingest/HEX             a blob on its way; what is there already is kept for the next try
//! layers/HEX/{d,layer.json}  an unpacked layer, named by its diff id, or by its chain id where it
//!                        needs those below it
//! making/…               layers on their way, and what is on its way out
//! images/HEX.json        a name and what it stands for
//! holds/NAME.json        who needs which layers and blobs
//! store.lock             shared by those who take holds, held alone by `collect`
//! ```
//! Words: a *claim* is the right to make one blob or layer, a file lock that goes with the process.
//! A *hold* keeps an image's layers from being collected, until its owner releases it; that of a
//! pull goes with its process. Everything is written aside, brought to the disk, then renamed.

mod blobs;
mod claim;
mod collect;
mod files;
mod holds;
mod images;
mod layers;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{ImageError, Tried};
use crate::unpack::{Privilege, UnpackLimits};

pub use collect::Collected;
pub use images::StoredImage;

pub(crate) use blobs::Ingest;
pub(crate) use claim::{Claim, Turn};
pub(crate) use holds::{PullHold, Wanted};
pub(crate) use images::ImageRecord;
pub(crate) use layers::{LayerWish, Made};

const FORM: &str = "1\n";

/// Images on this machine, below one folder that many processes may share.
///
/// Calls wait for the disk: in async code they belong on a thread that may block.
#[derive(Clone, Debug)]
pub struct ImageStore {
    root: Arc<PathBuf>,
    limits: UnpackLimits,
    privilege: Privilege,
}

impl ImageStore {
    /// Opens the store in `root`, which is made if it is missing. Nobody but its owner may enter
    /// it: layers hold set-uid programs.
    ///
    /// # Errors
    /// When the folder cannot be used, or was written by a longshore that this one does not know.
    pub fn open(root: &Path, limits: UnpackLimits) -> Result<Self, ImageError> {
        for folder in [
            "blobs/sha256",
            "ingest",
            "layers",
            "making",
            "images",
            "holds",
        ] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).tried("make the folder", &folder)?;
        }
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(root, only_owner).tried("close the folder", root)?;
        check_form(&root.join("VERSION"))?;
        let making = root.join("making");
        let privilege = Privilege::of_this_process(&making).tried("write in", &making)?;
        Ok(Self {
            root: Arc::new(root.to_path_buf()),
            limits,
            privilege,
        })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.root.join(folder).join(name)
    }
}

fn check_form(file: &Path) -> Result<(), ImageError> {
    if let Ok(form) = fs::read_to_string(file) {
        if form == FORM {
            return Ok(());
        }
        return Err(ImageError::malformed(
            file.display(),
            format!(
                "the store has form {}, known is {}",
                form.trim(),
                FORM.trim()
            ),
        ));
    }
    files::write(file, FORM.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_another_form_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        ImageStore::open(folder.path(), UnpackLimits::default()).unwrap();
        ImageStore::open(folder.path(), UnpackLimits::default()).unwrap();
        fs::write(folder.path().join("VERSION"), "9\n").unwrap();
        let refused = ImageStore::open(folder.path(), UnpackLimits::default()).unwrap_err();
        assert!(refused.to_string().contains("form 9"), "{refused}");
    }
}
