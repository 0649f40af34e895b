//! What is said to a running supervisor, and how it is reached.
//!
//! A supervisor listens on a socket in the container's folder. One message each way, as JSON; then
//! the supervisor closes. It answers when the container runs and not before.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::folder::{Folder, json};

/// What a supervisor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// An answer, which comes when the container runs.
    Await,
    /// To send a signal.
    Signal(i32),
    /// To send a signal, and to kill when the grace is over.
    Stop {
        /// The signal.
        signal: i32,
        /// From the signal on.
        grace_millis: u64,
    },
}

/// A supervisor's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The container runs, and what was asked for is done or under way.
    Done,
    /// The container has ended already.
    Over,
}

/// The longest message.
pub(crate) const MESSAGE_MAX: usize = 512;

/// Asks; none if there is no supervisor, or if it ended without an answer.
///
/// # Errors
/// The answer takes longer than `patience`, or cannot be read.
pub(crate) fn ask(
    folder: &Folder,
    request: Request,
    patience: Duration,
) -> io::Result<Option<Reply>> {
    let Some(mut stream) = connect(folder)? else {
        return Ok(None);
    };
    stream.set_read_timeout(Some(patience))?;
    let mut text = Vec::new();
    let asked = stream
        .write_all(&json(&request))
        .and_then(|()| stream.read_to_end(&mut text));
    match asked {
        Ok(_) if text.is_empty() => Ok(None),
        Ok(_) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(why) if is_gone(&why) => Ok(None),
        Err(why) => Err(why),
    }
}

/// Waits until the supervisor is gone. Says whether it is.
pub(crate) fn wait_gone(folder: &Folder, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        if !folder.is_supervised().map_err(io::Error::other)? {
            return Ok(true);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        // A supervisor that ends does not answer, but closes.
        let Some(mut stream) = connect(folder)? else {
            std::thread::sleep(PAUSE);
            continue;
        };
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut [0; 1]) {
            Ok(_) => {}
            Err(why) if is_gone(&why) => {}
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(why) => return Err(why),
        }
    }
}

/// Between two looks at what nobody tells.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

fn connect(folder: &Folder) -> io::Result<Option<UnixStream>> {
    // The address of a socket has little room: the folder is named by a descriptor.
    let opened = match std::fs::File::open(folder.path()) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let address = format!("/proc/self/fd/{}/ctl", opened.as_raw_fd());
    match UnixStream::connect(address) {
        Ok(stream) => Ok(Some(stream)),
        Err(why) if is_gone(&why) => Ok(None),
        Err(why) => Err(why),
    }
}

fn is_gone(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
    )
}
