//! What is left of a container that runs no more, outside of its folder.

use std::fs::File;

use crate::cgroup::Cgroup;
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, discard};

/// Cleans away what is left of a container that will never run again, unless that is done already or
/// its supervisor is still about it.
pub(crate) fn finish(folder: &Folder, name: &str) -> Result<(), RuntimeError> {
    let cleaned = folder.cleaned();
    if Folder::has(&cleaned)? || folder.is_supervised()? {
        return Ok(());
    }
    clean(folder, name)?;
    File::create(&cleaned).map(drop).tried("write", &cleaned)
}

/// Cleans away what is left of a container that does not run, as long as none can begin.
pub(crate) fn clean(folder: &Folder, name: &str) -> Result<(), RuntimeError> {
    clean_cgroup(name)?;
    discard(&folder.control())
}

/// Kills what is left of its processes and removes its control group.
pub(crate) fn clean_cgroup(name: &str) -> Result<(), RuntimeError> {
    let cleaned = Cgroup::named(name).and_then(|cgroup| {
        cgroup.kill()?;
        cgroup.remove()
    });
    cleaned.map_err(|source| RuntimeError::Cgroup {
        name: name.to_owned(),
        source,
    })
}
