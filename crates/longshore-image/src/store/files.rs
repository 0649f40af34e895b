//! Files that are whole at any moment, also after the power has gone.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ImageError, Tried};

/// When what is written must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// When the machine likes. Should the power go before, the file may be there and empty.
    Later,
    /// Before anything else happens.
    Now,
}

/// Writes a file aside, brings it to the disk and gives it its name.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), ImageError> {
    write_as(path, content, Durability::Now)
}

pub(super) fn write_json(
    path: &Path,
    value: &impl Serialize,
    durability: Durability,
) -> Result<(), ImageError> {
    let text = serde_json::to_vec_pretty(value);
    let text = text.expect("records of ours are plain JSON");
    write_as(path, &text, durability)
}

fn write_as(path: &Path, content: &[u8], durability: Durability) -> Result<(), ImageError> {
    let folder = path.parent().unwrap_or(path);
    // A name that nobody reads as a file of the store.
    let aside = tempfile::Builder::new().prefix(".new-").tempfile_in(folder);
    let mut aside = aside.tried("write in", folder)?;
    aside.write_all(content).tried("write", path)?;
    if durability == Durability::Now {
        aside.as_file().sync_all().tried("write", path)?;
    }
    let named = aside.persist(path).map_err(|why| why.error);
    named.tried("name", path)?;
    match durability {
        Durability::Now => sync_folder(folder),
        Durability::Later => Ok(()),
    }
}

/// Reads a record; none when there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ImageError> {
    let text = match fs::read(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        outcome => outcome.tried("read", path)?,
    };
    let value = serde_json::from_slice(&text);
    value
        .map(Some)
        .map_err(|why| ImageError::malformed(path.display(), why))
}

/// A new name is on the disk only with its folder.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ImageError> {
    File::open(folder)
        .and_then(|it| it.sync_all())
        .tried("bring to the disk", folder)
}

/// Names of the files in a folder that are not half written.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ImageError> {
    let entries = fs::read_dir(folder).tried("list", folder)?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.tried("list", folder)?.file_name();
        names.extend(
            name.to_str()
                .filter(|name| !name.starts_with('.'))
                .map(str::to_owned),
        );
    }
    Ok(names)
}
