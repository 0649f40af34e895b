//! Blobs by digest: whole ones, and those on their way.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::claim::{Claim, Shape, Turn};
use super::{ImageStore, files};
use crate::digest::{Digest, Digester};
use crate::error::{ImageError, Tried};

const FOLDER: &str = "blobs/sha256";
const INGEST: &str = "ingest";
const PIECE: usize = 128 * 1024;

/// A blob on its way into the store.
pub(crate) struct Ingest {
    claim: Claim,
    digest: Digest,
    digester: Digester,
    length: u64,
    whole: PathBuf,
}

impl ImageStore {
    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Opens a whole blob.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<File, ImageError> {
        let path = self.blob_path(digest);
        File::open(&path).tried("open", path)
    }

    /// Reads a small blob.
    pub(crate) fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let path = self.blob_path(digest);
        fs::read(&path).tried("read", path)
    }

    /// Keeps a document.
    pub(crate) fn write_blob(&self, content: &[u8]) -> Result<Digest, ImageError> {
        let digest = Digest::of(content);
        if !self.has_blob(&digest) {
            files::write(&self.blob_path(&digest), content)?;
        }
        Ok(digest)
    }

    /// A layer that is unpacked needs its blob no longer.
    pub(crate) fn drop_blob(&self, digest: &Digest) -> Result<(), ImageError> {
        let path = self.blob_path(digest);
        match fs::remove_file(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome.tried("remove", path),
        }
    }

    /// Asks for the right to bring a blob.
    pub(crate) fn ingest(&self, digest: &Digest) -> Result<Turn<Ingest>, ImageError> {
        let path = self.path(INGEST, &digest.hex());
        if self.has_blob(digest) {
            return Ok(Turn::Done);
        }
        let Some(claim) = Claim::ask(&path, Shape::File)? else {
            return Ok(Turn::Others(fs::metadata(&path).map_or(0, |it| it.len())));
        };
        if self.has_blob(digest) {
            fs::remove_file(&path).tried("remove", &path)?;
            return Ok(Turn::Done);
        }
        Ingest::begin(claim, *digest, self.blob_path(digest)).map(Turn::Mine)
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path(FOLDER, &digest.hex())
    }
}

impl Ingest {
    /// Goes on behind what an earlier try has left.
    fn begin(claim: Claim, digest: Digest, whole: PathBuf) -> Result<Self, ImageError> {
        let mut digester = Digester::default();
        let read = io::copy(
            &mut io::BufReader::with_capacity(PIECE, claim.file()),
            &mut digester,
        );
        let length = read.tried("read", claim.path())?;
        Ok(Self {
            claim,
            digest,
            digester,
            length,
            whole,
        })
    }

    /// Bytes that are there.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        let mut file = self.claim.file();
        file.write_all(bytes).tried("write", self.claim.path())?;
        self.digester.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what is there.
    pub(crate) fn restart(&mut self) -> Result<(), ImageError> {
        let mut file = self.claim.file();
        file.set_len(0).tried("empty", self.claim.path())?;
        file.seek(SeekFrom::Start(0))
            .tried("empty", self.claim.path())?;
        self.digester = Digester::default();
        self.length = 0;
        Ok(())
    }

    /// Are its bytes those that were named?
    pub(crate) fn check(&self) -> Result<(), ImageError> {
        let (expected, actual) = (self.digest, self.digester.clone().finish());
        if actual == expected {
            return Ok(());
        }
        let what = format!("the blob {expected}");
        Err(ImageError::DigestMismatch {
            what,
            expected,
            actual,
        })
    }

    /// Keeps the blob when its bytes are those that were named; else nothing of it stays.
    pub(crate) fn finish(self) -> Result<(), ImageError> {
        if let Err(why) = self.check() {
            self.abandon()?;
            return Err(why);
        }
        let path = self.claim.path();
        self.claim
            .file()
            .sync_data()
            .tried("bring to the disk", path)?;
        fs::rename(path, &self.whole).tried("name", &self.whole)?;
        files::sync_folder(self.whole.parent().expect("a blob lies in a folder"))
    }

    /// Leaves nothing of it.
    pub(crate) fn abandon(self) -> Result<(), ImageError> {
        fs::remove_file(self.claim.path()).tried("remove", self.claim.path())
    }

    /// Copies a whole source into the blob.
    pub(crate) fn copy(mut self, mut source: impl Read) -> Result<(), ImageError> {
        self.restart()?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = source
                .read(&mut piece)
                .tried("read what is to be", self.claim.path())?;
            if count == 0 {
                return self.finish();
            }
            self.write(&piece[..count])?;
        }
    }
}
