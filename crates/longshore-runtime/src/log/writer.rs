//! Writing a log: by one supervisor, from its first byte to its last.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use jiff::Timestamp;
use longshore_core::log::Stream;
use rustix::fs::FallocateFlags;

use super::form::{self, Gap, HEAD};
use crate::LogTotals;

/// The tail gives its room back in pieces of this part of it.
const PIECES: u64 = 8;
/// File systems give back whole blocks of this size.
const BLOCK: u64 = 4096;

/// Writes a log. Never fails: what cannot be written is counted.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: File,
    /// Whole frames that are not in the file yet.
    buffer: Vec<u8>,
    /// Bytes of output in the buffer.
    buffered: u64,
    /// Where the buffer will be in the file.
    offset: u64,
    head_limit: u64,
    tail_limit: u64,
    tail: Option<Tail>,
    /// Bytes that could not be written; a hole in the buffer says so.
    unwritten: u64,
    totals: LogTotals,
}

/// What comes behind the head.
#[derive(Debug)]
struct Tail {
    gap: Gap,
    /// Where the tail may be cut, and how many bytes of output come before that in the tail.
    cuts: VecDeque<(u64, u64)>,
    /// Bytes of output that went to the tail.
    bytes: u64,
}

impl LogWriter {
    /// Begins a log, which must not have been begun.
    pub(crate) fn create(path: &Path, limit_bytes: u64) -> io::Result<Self> {
        let head_limit = limit_bytes / 2;
        let file = File::create(path)?;
        file.write_all_at(&form::write_head(None), 0)?;
        Ok(Self {
            file,
            buffer: Vec::new(),
            buffered: 0,
            offset: HEAD as u64,
            head_limit,
            tail_limit: limit_bytes - head_limit,
            tail: None,
            unwritten: 0,
            totals: LogTotals::default(),
        })
    }

    /// Takes a frame in; it is in the file after [`flush`](Self::flush).
    pub(crate) fn push(&mut self, stream: Stream, at: Timestamp, bytes: &[u8]) {
        let end = self.end() + form::frame_size(bytes.len()) as u64;
        if self.tail.is_none() && end > self.head_limit {
            self.begin_tail(at);
        }
        self.mark_cut();
        form::write_frame(&mut self.buffer, stream, at, bytes);
        let length = bytes.len() as u64;
        self.buffered += length;
        self.totals.written_bytes += length;
        if let Some(tail) = &mut self.tail {
            tail.bytes += length;
        }
    }

    /// Brings what was taken in to the file.
    pub(crate) fn flush(&mut self, now: Timestamp) {
        if self.file.write_all_at(&self.buffer, self.offset).is_err() {
            self.give_up(now);
            return;
        }
        self.offset = self.end();
        self.buffer.clear();
        self.buffered = 0;
        self.unwritten = 0;
        self.cut();
    }

    /// What became of the output so far.
    pub(crate) fn totals(&self) -> LogTotals {
        self.totals
    }

    fn end(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    fn begin_tail(&mut self, since: Timestamp) {
        let at = self.end();
        let gap = Gap {
            at,
            resume: at,
            dropped: 0,
            since,
        };
        // Readers must know where the tail begins before they read of it; should the disk be broken,
        // nothing is given back as long as this cannot be written.
        let _ = self.file.write_all_at(&form::write_head(Some(&gap)), 0);
        self.tail = Some(Tail {
            gap,
            cuts: VecDeque::new(),
            bytes: 0,
        });
    }

    /// Remembers this place as one where the tail may be cut, if the last one is far enough.
    fn mark_cut(&mut self) {
        let end = self.end();
        let piece = self.tail_limit / PIECES;
        let Some(tail) = &mut self.tail else {
            return;
        };
        let last = tail.cuts.back().map_or(tail.gap.resume, |cut| cut.0);
        if end - last >= piece.max(1) {
            tail.cuts.push_back((end, tail.bytes));
        }
    }

    /// Gives the room of the tail's oldest pieces back if it is too long.
    fn cut(&mut self) {
        let Some(tail) = &mut self.tail else {
            return;
        };
        let before = tail.gap;
        while self.offset - tail.gap.resume > self.tail_limit {
            let Some((resume, bytes)) = tail.cuts.pop_front() else {
                break;
            };
            tail.gap.resume = resume;
            tail.gap.dropped = bytes;
        }
        if tail.gap == before {
            return;
        }
        let head = form::write_head(Some(&tail.gap));
        if self.file.write_all_at(&head, 0).is_err() {
            tail.gap = before;
            return;
        }
        self.totals.dropped_bytes += tail.gap.dropped - before.dropped;
        // The block that the last piece ended in is given back now, unless it is the head's too.
        let first = tail.gap.at.next_multiple_of(BLOCK);
        let first = first.max(before.resume / BLOCK * BLOCK);
        give_back(&self.file, first, tail.gap.resume / BLOCK * BLOCK);
    }

    /// The disk is full, or broken: what is in the buffer is dropped, the file ends with a whole
    /// frame, and the next that is written says how much is missing.
    fn give_up(&mut self, now: Timestamp) {
        // Where nothing can be written there is nothing to be done about this either.
        let _ = self.file.set_len(self.offset);
        if let Some(tail) = &mut self.tail {
            tail.bytes = tail.bytes.saturating_sub(self.buffered);
            tail.cuts.retain(|cut| cut.0 <= self.offset);
        }
        self.tail.take_if(|tail| tail.gap.at >= self.offset);
        self.totals.dropped_bytes += self.buffered;
        self.unwritten += self.buffered;
        self.buffered = 0;
        self.buffer.clear();
        form::write_hole(&mut self.buffer, now, self.unwritten);
    }
}

/// A file system that cannot do so keeps the room.
fn give_back(file: &File, first: u64, end: u64) {
    if first < end {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let _ = rustix::fs::fallocate(file, flags, first, end - first);
    }
}

#[cfg(test)]
impl LogWriter {
    /// Nothing can be written meanwhile.
    pub(super) fn break_disk(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        let read_only = File::open("/dev/null").expect("a machine has it");
        let file = std::mem::replace(&mut self.file, read_only);
        meanwhile(self);
        self.file = file;
    }
}
