//! A log that is being written in this process, as its readers see it: up to the last frame.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_core::log::Frame;
use tokio::sync::watch;

use super::chunk::{Chunk, Part, Stage};

/// The chunks of a log that the object store may not have yet.
#[derive(Debug)]
pub(crate) struct Live {
    chunks: Mutex<Unstored>,
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct Unstored {
    /// Sealed, on their way to the object store.
    sealed: VecDeque<(u64, Arc<Chunk>)>,
    number: u64,
    open: Chunk,
    is_over: bool,
}

/// What a reader sees of one chunk.
pub(crate) enum Sight {
    /// This much.
    Chunk(Chunk),
    /// The object store has it.
    Stored,
    /// There is no such chunk yet.
    NotYet,
}

impl Live {
    /// A log whose open chunk this is.
    pub(crate) fn new(number: u64, open: Chunk) -> Arc<Self> {
        let sealed = VecDeque::new();
        let chunks = Mutex::new(Unstored {
            sealed,
            number,
            open,
            is_over: false,
        });
        Arc::new(Self {
            chunks,
            version: watch::Sender::new(0),
        })
    }

    /// Adds a frame to the open chunk.
    pub(crate) fn push(&self, frame: Frame) {
        self.lock().open.frames.push(frame);
        self.bump();
    }

    /// Seals the open chunk and begins the next; answers with the sealed one.
    pub(crate) fn seal(&self, dropped_bytes: u64, next: Part) -> (u64, Arc<Chunk>) {
        let mut chunks = self.lock();
        let fresh = Chunk::new(next, chunks.open.end());
        let mut sealed = std::mem::replace(&mut chunks.open, fresh);
        sealed.stage = Stage::Sealed;
        sealed.dropped_bytes = dropped_bytes;
        let numbered = (chunks.number, Arc::new(sealed));
        chunks.sealed.push_back(numbered.clone());
        chunks.number += 1;
        drop(chunks);
        self.bump();
        numbered
    }

    /// The object store has a sealed chunk now.
    pub(crate) fn stored(&self, number: u64) {
        self.lock().sealed.retain(|(sealed, _)| *sealed != number);
    }

    /// The open chunk as it stands.
    pub(crate) fn open(&self) -> (u64, Chunk) {
        let chunks = self.lock();
        (chunks.number, chunks.open.clone())
    }

    /// Number of the open chunk.
    pub(crate) fn open_number(&self) -> u64 {
        self.lock().number
    }

    /// Size of the open chunk's content.
    pub(crate) fn open_bytes(&self) -> usize {
        self.lock().open.content_bytes()
    }

    /// The chunk of a number, with the frames from one on.
    pub(crate) fn look(&self, number: u64, from: usize) -> Sight {
        let chunks = self.lock();
        if number > chunks.number {
            return Sight::NotYet;
        }
        if number == chunks.number {
            return Sight::Chunk(chunks.open.rest(from));
        }
        let sealed = chunks.sealed.iter().find(|(sealed, _)| *sealed == number);
        sealed.map_or(Sight::Stored, |(_, chunk)| Sight::Chunk(chunk.rest(from)))
    }

    /// Numbers of all chunks that are here.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let chunks = self.lock();
        let sealed = chunks.sealed.iter().map(|(number, _)| *number);
        sealed.chain([chunks.number]).collect()
    }

    /// Tells everybody that nothing more comes from here.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.bump();
    }

    /// Waits until [`Self::end`] was called.
    pub(crate) async fn over(&self) {
        let mut version = self.version.subscribe();
        while !self.lock().is_over {
            if version.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tells of every change from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn bump(&self) {
        self.version
            .send_modify(|version| *version = version.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Unstored> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
