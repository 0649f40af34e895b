//! Removing containers, and what is left of removals that were broken off.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use longshore_core::limits;

use super::{Runtime, entries, left_until, too_late};
use crate::cleaning;
use crate::control::{self, Request};
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, discard};
use crate::lock::{self, Claim};
use crate::overlay::UPPER;
use crate::quota;
use crate::record;
use crate::{Removal, Status, WhileRunning};

/// A folder that was to be a container and is none after so long never will be.
const UNFINISHED: Duration = Duration::from_hours(1);

const KILL: Request = Request::Stop {
    signal: 9,
    grace_millis: 0,
};

impl Runtime {
    /// Removes a container with its log, its files and its volumes without a name. May take seconds.
    ///
    /// # Errors
    /// Something of it cannot be removed, or is still there after all its time.
    pub fn remove(&self, name: &str, while_running: WhileRunning) -> Result<Removal, RuntimeError> {
        let folder = self.container(name)?;
        let deadline = Instant::now() + limits::REMOVE_CALL;
        while let Some(left) = left_until(deadline) {
            if !Folder::has(folder.path())? {
                return Ok(Removal::WasAbsent);
            }
            if let Some(removal) = self.try_remove(name, &folder)? {
                return Ok(removal);
            }
            let is_ending = matches!(record::standing(&folder)?, Some(Status::Ended(_)));
            if while_running == WhileRunning::Spare && !is_ending && folder.is_supervised()? {
                return Ok(Removal::Runs);
            }
            if !is_ending {
                self.ask(name, KILL)?;
            }
            control::wait_gone(&folder, left).tried("ask", folder.path())?;
            // Somebody else may be removing it.
            std::thread::sleep(control::PAUSE);
        }
        Err(too_late(name, "it has not ended"))
    }

    /// Removes a container that nobody supervises; none if somebody does, or removes it.
    fn try_remove(&self, name: &str, folder: &Folder) -> Result<Option<Removal>, RuntimeError> {
        let path = folder.container();
        let lock = match lock::take(&path, Claim::Remover) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(why).tried("lock", &path),
        };
        let was_there = lock.is_some();
        if !Folder::has(&folder.cleaned())? {
            cleaning::clean(name)?;
        }
        // One of the same name may be made, and removed, before this one is all gone.
        let now = Timestamp::now().as_nanosecond();
        let aside = self.gone.join(format!("{name}-{now}"));
        match fs::rename(folder.path(), &aside) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(Removal::WasAbsent));
            }
            renamed => renamed.tried("remove", folder.path())?,
        }
        // A supervisor that was waiting for the lock finds nothing to run.
        discard_all_of(&aside)?;
        drop(lock);
        Ok(Some(if was_there {
            Removal::Gone
        } else {
            Removal::WasAbsent
        }))
    }

    /// Removes what is left of removals, and of containers that were never whole.
    pub(super) fn sweep(&self) -> Result<(), RuntimeError> {
        for name in entries(&self.gone)? {
            discard_all_of(&self.gone.join(name))?;
        }
        let now = SystemTime::from(Timestamp::now());
        for name in entries(&self.containers)? {
            let folder = Folder::at(self.containers.join(&name));
            let made = fs::metadata(folder.path()).and_then(|found| found.modified());
            let age = made.ok().and_then(|made| now.duration_since(made).ok());
            if !Folder::has(&folder.container())? && age.is_some_and(|age| age > UNFINISHED) {
                self.try_remove(&name, &folder)?;
            }
        }
        Ok(())
    }
}

/// Removes the folder of a container that is gone, and what its file system keeps of it beside.
fn discard_all_of(folder: &Path) -> Result<(), RuntimeError> {
    let upper = folder.join(UPPER);
    quota::release(&upper).tried("take the bound from", &upper)?;
    discard(folder)
}
