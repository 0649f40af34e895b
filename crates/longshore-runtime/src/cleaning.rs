//! What is left of a container that runs no more, outside of its folder.

use std::fs::File;

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
pub(crate) fn clean(folder: &Folder, _name: &str) -> Result<(), RuntimeError> {
    discard(&folder.control())
}
