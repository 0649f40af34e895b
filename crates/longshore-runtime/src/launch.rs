//! Starting a supervisor, seen from the process that wants one.

use std::fs::File;
use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags,
    SocketType, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, json};

/// The name by which a program knows that it is to be a supervisor. It is also what `ps` shows,
/// inside of the container too.
pub(crate) const SUPERVISOR: &str = "longshore-supervisor";

/// What a supervisor is told, with a stream for its words and the folder that it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Runs the container in place of what is built in.
    pub(crate) oci_runtime: Option<PathBuf>,
}

/// What a supervisor says of the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// The program runs.
    Started,
    /// It cannot.
    Refused(Refused),
    /// Somebody else has the container's lock.
    Busy,
    /// It ran already.
    Over,
}

/// The longest order.
pub(crate) const ORDER_MAX: usize = 8192;

/// A process of the supervisor's program that has done what all supervisors would begin with, and
/// becomes one whenever it is told to, by forking: a program of some size takes its time to be loaded.
///
/// It goes when this process does, or when it is dropped; its supervisors stay. It waits for them
/// when they have ended.
#[derive(Debug)]
pub(crate) struct Template {
    socket: OwnedFd,
    process: Mutex<Child>,
}

impl Template {
    pub(crate) fn start(program: &Path) -> Result<Self, RuntimeError> {
        let flags = SocketFlags::CLOEXEC;
        let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
        let (socket, theirs) = pair.tried("connect with", program)?;
        let process = Command::new(program)
            .arg0(SUPERVISOR)
            .env_clear()
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .tried("execute", program)?;
        Ok(Self {
            socket,
            process: Mutex::new(process),
        })
    }

    /// It has not ended. One that has is waited for by this.
    pub(crate) fn is_alive(&self) -> bool {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(process.try_wait(), Ok(None))
    }

    /// Starts a supervisor in a container's folder. It goes on whatever becomes of this process. What
    /// it says comes out of the stream; nothing does when there is no room for another process.
    ///
    /// # Errors
    /// The folder is gone, or the template is.
    pub(crate) fn spawn(&self, folder: &Folder, order: &Order) -> Result<UnixStream, RuntimeError> {
        let path = folder.path();
        let (ours, theirs) = UnixStream::pair().tried("connect with a supervisor in", path)?;
        let opened = File::open(path).tried("open", path)?;
        let descriptors = [theirs.as_fd(), opened.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
        let mut with = SendAncillaryBuffer::new(&mut space);
        with.push(SendAncillaryMessage::ScmRights(&descriptors));
        let text = json(order);
        sendmsg(
            &self.socket,
            &[IoSlice::new(&text)],
            &mut with,
            SendFlags::NOSIGNAL,
        )
        .tried("begin a supervisor in", path)?;
        Ok(ours)
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        // It hears that nobody will speak to it, and ends.
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
        let process = self
            .process
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let _ = process.wait();
    }
}

/// Waits for the supervisor's word; none if it went without.
pub(crate) fn word(mut supervisor: UnixStream, patience: Duration) -> io::Result<Option<Word>> {
    supervisor.set_read_timeout(Some(patience))?;
    let mut text = Vec::new();
    match supervisor.read_to_end(&mut text) {
        Err(why) if why.kind() != io::ErrorKind::ConnectionReset => Err(why),
        _ if text.is_empty() => Ok(None),
        _ => Ok(Some(serde_json::from_slice(&text)?)),
    }
}
