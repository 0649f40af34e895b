//! What a log amounts to.

use std::fmt;

use super::chunk::Chunk;

/// Totals of a log. Frames and bytes are what was seen, including what the size cap dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogTotals {
    /// Frames of standard output and standard error.
    pub frames: u64,
    /// Bytes of standard output.
    pub stdout_bytes: u64,
    /// Bytes of standard error.
    pub stderr_bytes: u64,
    /// Bytes that the size cap dropped.
    pub dropped_bytes: u64,
    /// Chunks that are kept.
    pub chunks: u64,
}

impl LogTotals {
    /// The totals of a log whose last chunk this is.
    pub(crate) fn after(last: &Chunk, chunks: usize) -> Self {
        let end = last.end();
        Self {
            frames: end.frames,
            stdout_bytes: end.stdout_bytes,
            stderr_bytes: end.stderr_bytes,
            dropped_bytes: last.dropped_bytes,
            chunks: chunks as u64,
        }
    }
}

impl fmt::Display for LogTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} frames, {} bytes out, {} bytes err",
            self.frames, self.stdout_bytes, self.stderr_bytes
        )?;
        if self.dropped_bytes > 0 {
            write!(f, ", {} bytes dropped", self.dropped_bytes)?;
        }
        Ok(())
    }
}
