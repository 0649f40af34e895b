//! Reading a log, also while it is written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Buf, Bytes};
use jiff::Timestamp;
use longshore_core::log::{Frame, Stream};

use super::form::{self, Gap, HEAD, HEADER, Head, Item, TRAILER};

/// So much is read at once at most.
const CHUNK: usize = 256 * 1024;

/// A container's log, frame by frame. Two readings from the first frame give the same frames, unless
/// the log has grown beyond its limit in between: then a note says how many bytes are missing in its
/// middle.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    /// What was read and not handed out yet.
    rest: Bytes,
    /// Where that is in the file.
    offset: u64,
    /// Bytes of output behind the head of the log that this reader has seen or told of; unknown to
    /// one that began there.
    told: Option<u64>,
    /// Where the gap begins, once it was seen.
    gap_at: u64,
}

impl LogFile {
    /// Opens a log; none if there is none yet.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        // Whoever was about to begin it was killed in that moment, or is at it.
        if file.metadata()?.len() < HEAD as u64 {
            return Ok(None);
        }
        Ok(Some(Self {
            file,
            rest: Bytes::new(),
            offset: HEAD as u64,
            told: Some(0),
            gap_at: u64::MAX,
        }))
    }

    /// The next frame; none if it is not there yet, which an ended container's will never be. Frames
    /// of [`Stream::Note`] are not the container's: they say what is missing.
    ///
    /// # Errors
    /// The file cannot be read, or is no log.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        if let Some(frame) = self.take()? {
            return Ok(Some(frame));
        }
        match self.fill()? {
            Some(note) => Ok(Some(note)),
            None => self.take(),
        }
    }

    /// Goes on with the last `count` frames of what is there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn seek_last(&mut self, count: usize) -> io::Result<()> {
        let gap = self.gap()?;
        let mut end = self.file.metadata()?.len();
        for _ in 0..count {
            if let Some(gap) = gap.filter(|gap| gap.resume == end) {
                end = gap.at;
                continue;
            }
            match self.frame_before(end)? {
                Some(begin) => end = begin,
                None => break,
            }
        }
        self.rest.clear();
        self.offset = end;
        let is_in_tail = gap.is_some_and(|gap| end >= gap.resume);
        self.told = (!is_in_tail).then_some(0);
        Ok(())
    }

    /// Hands out the next frame of what was read.
    fn take(&mut self) -> io::Result<Option<Frame>> {
        let (size, frame) = match form::read(&self.rest) {
            Item::Frame { stream, at, length } => {
                let bytes = self.rest.slice(HEADER..HEADER + length);
                if self.offset >= self.gap_at {
                    self.told = self.told.map(|told| told + length as u64);
                }
                (form::frame_size(length), Frame { stream, at, bytes })
            }
            Item::Hole { at, dropped } => {
                let text = format!("{dropped} bytes could not be written to the disk");
                (form::frame_size(size_of::<u64>()), note(at, &text))
            }
            Item::Unfinished => return Ok(None),
            Item::Nothing => {
                let what = format!("there is no frame at {} of a log", self.offset);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        };
        self.rest.advance(size);
        self.offset += size as u64;
        Ok(Some(frame))
    }

    /// Reads on; returns a note where something is missing instead.
    fn fill(&mut self) -> io::Result<Option<Frame>> {
        let more = self.file.metadata()?.len().saturating_sub(self.offset);
        let mut chunk = vec![0; usize::try_from(more).unwrap_or(CHUNK).min(CHUNK)];
        let read = self.file.read_at(&mut chunk, self.offset)?;
        chunk.truncate(read);
        // What was read may have been given back meanwhile: the head says so before it happens.
        let Some(gap) = self.gap()? else {
            self.rest = chunk.into();
            return Ok(None);
        };
        self.gap_at = gap.at;
        if self.offset >= gap.resume {
            self.rest = chunk.into();
            return Ok(None);
        }
        if self.offset < gap.at {
            chunk.truncate(usize::try_from(gap.at - self.offset).unwrap_or(usize::MAX));
            self.rest = chunk.into();
            return Ok(None);
        }
        let text = match self.told {
            Some(told) => format!(
                "{} bytes are missing here",
                gap.dropped.saturating_sub(told)
            ),
            None => "bytes are missing here".to_owned(),
        };
        self.rest.clear();
        self.offset = gap.resume;
        self.told = Some(gap.dropped);
        let text = format!("the log has grown beyond its limit, {text}");
        Ok(Some(note(gap.since, &text)))
    }

    fn gap(&self) -> io::Result<Option<Gap>> {
        let mut head = [0; HEAD];
        loop {
            self.file.read_exact_at(&mut head, 0)?;
            match form::read_head(&head) {
                Head::Whole => return Ok(None),
                Head::With(gap) => return Ok(Some(gap)),
                Head::Torn => std::thread::yield_now(),
                Head::Foreign => {
                    let what = "this is no log of a container";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
    }

    /// Where the frame begins that ends there; none if there is none before, or if it is being
    /// written.
    fn frame_before(&self, end: u64) -> io::Result<Option<u64>> {
        let least = (HEAD + form::frame_size(0)) as u64;
        if end < least {
            return Ok(None);
        }
        let mut length = [0; TRAILER];
        self.file.read_exact_at(&mut length, end - TRAILER as u64)?;
        let size = form::frame_size(u16::from_le_bytes(length).into());
        let Some(begin) = end.checked_sub(size as u64) else {
            return Ok(None);
        };
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, begin)?;
        let is_frame = matches!(form::read(&bytes), Item::Frame { .. } | Item::Hole { .. });
        Ok(is_frame.then_some(begin))
    }
}

fn note(at: Timestamp, text: &str) -> Frame {
    Frame {
        stream: Stream::Note,
        at,
        bytes: Bytes::from(format!("[longshore: {text}]\n")),
    }
}
