//! Unpacking a layer into a folder that overlayfs can take as a lower one.
//!
//! A layer is unpacked alone, without those below it, so that images can share it. Where it needs
//! them (a folder that it does not describe, a hard link to a file below), [`Unpacked::needs`] says
//! so. No path of a layer leads out of its folder: every step is taken by the kernel below an open
//! folder, and the last name of a path is never followed.

mod attributes;
mod metered;
mod needs;
mod path;
mod placing;
#[cfg(test)]
mod tests;
mod tree;
mod whiteout;
mod writer;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};

use longshore_core::limits;

use crate::decompress::decompress;
use crate::digest::Digest;
use crate::tar_stream::TarStream;
use crate::unpack_error::UnpackError;

pub(crate) use attributes::Privilege;
pub(crate) use needs::{Needs, settle};
pub(crate) use tree::{Tree, remove_tree};

use metered::Metered;
use path::CleanPath;
use writer::Writer;

/// How much one layer may unpack to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Bytes of the archive once it is not compressed any more, and of its files with their holes.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            bytes: limits::LAYER_BYTES,
            entries: limits::LAYER_ENTRIES,
        }
    }
}

/// Between a thread that unpacks and whoever waits for it.
#[derive(Debug, Default)]
pub(crate) struct Tether {
    /// Nobody wants it any more.
    pub(crate) is_given_up: AtomicBool,
    /// Bytes that have been unpacked.
    pub(crate) bytes: AtomicU64,
}

/// What is to be unpacked where.
pub(crate) struct Unpack<'a> {
    /// The digest that the bytes must have when they are not compressed any more.
    pub(crate) diff_id: Digest,
    pub(crate) into: &'a Path,
    pub(crate) limits: UnpackLimits,
    pub(crate) privilege: Privilege,
    pub(crate) tether: &'a Tether,
}

/// A layer that lies in its folder.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// Bytes of its files.
    pub(crate) size_bytes: u64,
    /// Is nothing of the layers below seen? Overlayfs itself does not look for that.
    pub(crate) hides_all: bool,
    /// Does it say which owner and rights the root of the image has?
    pub(crate) describes_root: bool,
    pub(crate) needs: Needs,
}

/// Unpacks `archive` (plain, gzip or zstd) into an empty folder.
///
/// # Errors
/// See [`UnpackError`]; the folder is then half filled.
pub(crate) fn unpack(archive: impl Read, wanted: &Unpack<'_>) -> Result<Unpacked, UnpackError> {
    let plain = decompress(archive).map_err(UnpackError::Broken)?;
    let metered = Metered::new(plain, wanted.limits.bytes, wanted.tether);
    let mut stream = TarStream::new(metered);
    let outcome = unpack_members(&mut stream, wanted);
    let metered = stream.into_source();
    let unpacked = outcome.map_err(|why| metered.explain(why))?;
    let actual = metered.finish()?;
    if actual == wanted.diff_id {
        return Ok(unpacked);
    }
    Err(UnpackError::DiffId { actual })
}

fn unpack_members<R: Read>(
    stream: &mut TarStream<Metered<'_, R>>,
    wanted: &Unpack<'_>,
) -> Result<Unpacked, UnpackError> {
    let tree = Tree::open(wanted.into).map_err(at("open", &CleanPath::root()))?;
    let mut writer = Writer::new(tree, wanted.limits, wanted.privilege);
    while let Some(member) = stream.next().map_err(UnpackError::Broken)? {
        writer.write(&member, stream)?;
    }
    writer.finish()
}

/// Names what was tried when the system refuses.
fn at<E: Into<io::Error>>(tried: &'static str, path: &CleanPath) -> impl Fn(E) -> UnpackError {
    let path = path.to_string();
    move |why| UnpackError::Io {
        tried,
        path: path.clone(),
        source: why.into(),
    }
}

/// Where the files of the layer that lies in `folder` are.
pub(crate) fn content(folder: &Path) -> PathBuf {
    folder.join("d")
}
