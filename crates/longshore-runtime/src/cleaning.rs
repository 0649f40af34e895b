//! What is left of a container that runs no more, outside of its folder.

use std::fs::File;
use std::io;

use crate::cgroup::{Cgroup, CgroupError};
use crate::error::{RuntimeError, Tried};
use crate::folder::Folder;

/// Cleans away what is left of a container that will never run again, unless that is done already or
/// its supervisor is still about it.
pub(crate) fn finish(folder: &Folder, name: &str) -> Result<(), RuntimeError> {
    let cleaned = folder.cleaned();
    if Folder::has(&cleaned)? || folder.is_supervised()? {
        return Ok(());
    }
    clean(name)?;
    match File::create(&cleaned) {
        // It was removed meanwhile.
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        made => made.map(drop).tried("write", &cleaned),
    }
}

/// Cleans away what is left of a container that does not run, as long as none can begin.
///
/// Kills what is left of its processes and removes its control group.
pub(crate) fn clean(name: &str) -> Result<(), RuntimeError> {
    let cgroup = cgroup(name)?;
    let cleaned = cgroup.remove_if_empty().and_then(|is_gone| {
        if is_gone {
            return Ok(());
        }
        cgroup.kill()?;
        cgroup.remove()
    });
    cleaned.map_err(|source| in_the_way(name, source))
}

/// The control group of a container, which need not exist.
pub(crate) fn cgroup(name: &str) -> Result<Cgroup, RuntimeError> {
    Cgroup::named(name).map_err(|source| in_the_way(name, source))
}

fn in_the_way(name: &str, source: CgroupError) -> RuntimeError {
    RuntimeError::Cgroup {
        name: name.to_owned(),
        source,
    }
}
