//! Whoever started this supervisor, at the other end of its standard input.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
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
    /// Hears its order. Standard input is empty from here on.
    pub(super) fn of_stdin() -> io::Result<Self> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let nothing = std::fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&nothing)?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        Ok(Self {
            order: serde_json::from_str(&line)?,
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
