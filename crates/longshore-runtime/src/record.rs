//! What stands in a container's files, and what they say together about how it stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::RuntimeError;
use crate::folder::{Folder, read_json};
use crate::{ContainerConfig, Ended, Refused, Status};

/// Files of a later form than this are not of ours to read.
pub(crate) const SCHEMA: u32 = 1;

/// `container.json`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) schema: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) config: ContainerConfig,
}

/// `starting.json`, later `running.json`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) schema: u32,
    /// Just before its program was executed.
    pub(crate) at: Timestamp,
}

/// `exit.json`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) schema: u32,
    pub(crate) ended: Ended,
}

/// How the container stands, if there is one.
///
/// The lock is looked at before the files: a supervisor that is gone by then has written all that it
/// ever will. One that begins meanwhile would look lost between its first file and its last, so
/// that is only said when the lock is found free once more, behind a file that no second
/// supervisor begins after.
pub(crate) fn standing(folder: &Folder) -> Result<Option<Status>, RuntimeError> {
    if !Folder::has(&folder.container())? {
        return Ok(None);
    }
    loop {
        let status = look(folder)?;
        let is_lost = matches!(status, Status::Lost { .. });
        if !is_lost || look(folder)? == status {
            return Ok(Some(status));
        }
    }
}

fn look(folder: &Folder) -> Result<Status, RuntimeError> {
    let is_supervised = folder.is_supervised()?;
    match read_json::<Exit>(&folder.exit()) {
        Ok(Some(exit)) => return Ok(Status::Ended(exit.ended)),
        // The power went while it was written, and it says nothing.
        Ok(None) | Err(RuntimeError::Record { .. }) => {}
        Err(why) => return Err(why),
    }
    let running: Option<Begun> = read_json(&folder.running())?;
    let started_at = running.map(|begun| begun.at);
    if is_supervised {
        return Ok(match started_at {
            Some(started_at) => Status::Running { started_at },
            None => Status::Starting,
        });
    }
    let refused: Option<Refused> = read_json(&folder.refused())?;
    if refused.is_none() && has_begun(folder)? {
        return Ok(Status::Lost { started_at });
    }
    Ok(Status::Created { refused })
}

/// Something of the job may have run.
pub(crate) fn has_begun(folder: &Folder) -> Result<bool, RuntimeError> {
    // In the order in which the file gets its names.
    for path in [folder.starting(), folder.running(), folder.cleaned()] {
        if Folder::has(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}
