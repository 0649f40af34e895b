//! Output as it comes out of a pipe, cut into lines as Docker cuts it: a frame is a line with its
//! newline, or a part of a long one.

use jiff::Timestamp;
use longshore_core::log::Stream;

use super::form::PART;
use super::writer::LogWriter;

/// One of a container's two streams.
#[derive(Debug)]
pub(crate) struct Lines {
    stream: Stream,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Lines {
    /// Of this stream.
    pub(crate) fn of(stream: Stream) -> Self {
        Self {
            stream,
            begun: Vec::new(),
        }
    }

    /// Gives what came, at that time, to the log, but for a line whose end has not come.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], at: Timestamp, log: &mut LogWriter) {
        while !bytes.is_empty() {
            let room = PART - self.begun.len();
            let within = &bytes[..bytes.len().min(room)];
            let length = match memchr::memchr(b'\n', within) {
                Some(place) => place + 1,
                None if within.len() == room => room,
                None => {
                    self.begun.extend_from_slice(within);
                    return;
                }
            };
            let (piece, rest) = bytes.split_at(length);
            bytes = rest;
            if self.begun.is_empty() {
                log.push(self.stream, at, piece);
                continue;
            }
            self.begun.extend_from_slice(piece);
            log.push(self.stream, at, &self.begun);
            self.begun.clear();
        }
    }

    /// The stream has ended, also where its last line has not.
    pub(crate) fn end(&mut self, at: Timestamp, log: &mut LogWriter) {
        if !self.begun.is_empty() {
            log.push(self.stream, at, &self.begun);
            self.begun = Vec::new();
        }
    }
}
