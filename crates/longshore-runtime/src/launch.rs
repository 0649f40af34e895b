//! Starting a supervisor, seen from the process that wants one.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, json};

/// The name by which a program knows that it is to be a supervisor. It is also what `ps` shows,
/// inside of the container too.
pub(crate) const SUPERVISOR: &str = "longshore-supervisor";

/// What a supervisor is told, through its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Runs the container in place of what is built in.
    pub(crate) oci_runtime: Option<PathBuf>,
}

/// What a supervisor says of the start, the same way back.
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

/// Starts a supervisor in a container's folder. It goes on whatever becomes of this process; as long
/// as that lives, it has to wait for the child.
pub(crate) fn spawn(
    folder: &Folder,
    program: &Path,
    order: &Order,
) -> Result<(Child, UnixStream), RuntimeError> {
    let (mut ours, theirs) = UnixStream::pair().tried("connect with", program)?;
    ours.write_all(&order_line(order))
        .tried("connect with", program)?;
    let child = Command::new(program)
        .arg0(SUPERVISOR)
        .env_clear()
        .current_dir(folder.path())
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .tried("execute", program)?;
    Ok((child, ours))
}

fn order_line(order: &Order) -> Vec<u8> {
    let mut line = json(order);
    line.push(b'\n');
    line
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
