//! Where the supervisor of a running container is spoken to.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::control::{MESSAGE_MAX, Reply, Request};
use crate::folder::json;

/// So many at a time are listened to; who comes then takes the place of who came first.
const VISITORS: usize = 64;

/// Where the supervisor of a running container is spoken to.
#[derive(Debug)]
pub(super) struct Desk {
    listener: UnixListener,
    visitors: Vec<UnixStream>,
}

/// A request, and who waits for an answer.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) request: Request,
    visitor: UnixStream,
}

impl Desk {
    /// Opens it. Who comes from now on waits, without an answer until the container runs.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        // Its own folder has the shortest name: an address has little room.
        let name = path.file_name().map_or(path, Path::new);
        let listener = UnixListener::bind(name)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            visitors: Vec::new(),
        })
    }

    /// What to wait for, so that [`visits`](Self::visits) has something to say.
    pub(super) fn sources(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let visitors = self.visitors.iter().map(AsFd::as_fd);
        visitors.chain([self.listener.as_fd()])
    }

    /// What was asked for meanwhile.
    pub(super) fn visits(&mut self) -> Vec<Visit> {
        while let Ok((visitor, _)) = self.listener.accept() {
            if visitor.set_nonblocking(true).is_ok() {
                self.visitors.push(visitor);
            }
        }
        let surplus = self.visitors.len().saturating_sub(VISITORS);
        self.visitors.drain(..surplus);
        let mut visits = Vec::new();
        let mut silent = Vec::new();
        for mut visitor in self.visitors.drain(..) {
            let mut message = [0; MESSAGE_MAX];
            match visitor.read(&mut message) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => silent.push(visitor),
                Ok(length) => {
                    let request = serde_json::from_slice(&message[..length]);
                    visits.extend(request.map(|request| Visit { request, visitor }));
                }
                Err(_) => {}
            }
        }
        self.visitors = silent;
        visits
    }
}

impl Visit {
    /// Answers, and closes.
    pub(super) fn answer(mut self, reply: Reply) {
        // Who does not wait for it any more does not need it.
        let _ = self.visitor.write_all(&json(&reply));
    }
}
