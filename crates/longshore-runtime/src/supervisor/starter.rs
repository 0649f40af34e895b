//! Whoever started this supervisor, at the other end of a stream.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use crate::folder::json;
use crate::launch::{Order, Word};

/// Whoever started this supervisor.
#[derive(Debug)]
pub(super) struct Starter {
    stream: UnixStream,
    order: Order,
}

impl Starter {
    /// At the other end of this stream, with this order.
    pub(super) fn new(stream: UnixStream, order: &[u8]) -> io::Result<Self> {
        Ok(Self {
            order: serde_json::from_slice(order)?,
            stream,
        })
    }

    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    /// Says how the start went.
    pub(super) fn say(&mut self, word: &Word) {
        // It may be gone: then it finds out from the folder.
        let _ = self.stream.write_all(&json(word));
    }
}
