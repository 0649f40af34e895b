//! Counts and digests the bytes of a layer as they are read, and stops where they become too many.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use super::{Tether, UnpackError};
use crate::digest::{Digest, Digester};
use crate::tar_stream::Skip;

const PIECE: usize = 64 * 1024;

/// The bytes of a layer on their way to the disk.
pub(super) struct Metered<'a, R> {
    source: R,
    digester: Digester,
    left: u64,
    most: u64,
    tether: &'a Tether,
    ended: Option<Ended>,
}

/// Why no byte comes any more, though the source has more.
#[derive(Clone, Copy)]
enum Ended {
    TooLarge,
    GivenUp,
}

impl<'a, R: Read> Metered<'a, R> {
    pub(super) fn new(source: R, most: u64, tether: &'a Tether) -> Self {
        Self {
            source,
            digester: Digester::default(),
            left: most,
            most,
            tether,
            ended: None,
        }
    }

    /// What really stands behind an error of reading.
    pub(super) fn explain(&self, why: UnpackError) -> UnpackError {
        match self.ended {
            Some(ended) => self.refusal(ended),
            None => why,
        }
    }

    /// Reads what stands behind the last member, for the digest counts it.
    pub(super) fn finish(mut self) -> Result<Digest, UnpackError> {
        let mut piece = vec![0; PIECE];
        loop {
            match self.read(&mut piece) {
                Ok(0) => return Ok(self.digester.finish()),
                Ok(_) => {}
                Err(why) => return Err(self.explain(UnpackError::Broken(why))),
            }
        }
    }

    fn refusal(&self, ended: Ended) -> UnpackError {
        match ended {
            Ended::GivenUp => UnpackError::GivenUp,
            Ended::TooLarge => UnpackError::TooLarge {
                what: "bytes",
                most: self.most,
            },
        }
    }

    fn end(&mut self, ended: Ended) -> io::Error {
        self.ended = Some(ended);
        io::Error::other("no more is read")
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.tether.is_given_up.load(Ordering::Relaxed) {
            return Err(self.end(Ended::GivenUp));
        }
        let count = self.source.read(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(self.end(Ended::TooLarge));
        };
        self.left = left;
        self.tether.bytes.fetch_add(count as u64, Ordering::Relaxed);
        self.digester.update(&buffer[..count]);
        Ok(count)
    }
}

impl<R: Read> Skip for Metered<'_, R> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.take(count), &mut io::sink())?;
        if skipped == count {
            return Ok(());
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
