//! A container's folder: which file is where, and how files are written so that they are whole.
//!
//! | file | written by | says |
//! |---|---|---|
//! | `container.json` | who creates it | that the container exists, and what it is to be; locked by its supervisor ([`crate::lock`]) |
//! | `starting.json` | supervisor | from here on something of the job may have run |
//! | `running.json` | supervisor | the same file by a new name: its program runs |
//! | `refused.json` | supervisor | its program could not be started, nothing ran |
//! | `exit.json` | supervisor | how it ended |
//! | `cleaned` | supervisor, or whoever finds it ended | nothing outside of the folder is left; for a supervisor, once more the same file |
//!
//! Files that only matter as long as the supervisor lives are not here, but in memory: to make a file
//! and remove it is among the slowest things that a container is made of.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{RuntimeError, Tried};
use crate::lock::{self, Holder};

/// The folder of one container.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// At this place, whether it is there or not.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn container(&self) -> PathBuf {
        self.path.join("container.json")
    }

    pub(crate) fn starting(&self) -> PathBuf {
        self.path.join("starting.json")
    }

    pub(crate) fn running(&self) -> PathBuf {
        self.path.join("running.json")
    }

    pub(crate) fn refused(&self) -> PathBuf {
        self.path.join("refused.json")
    }

    pub(crate) fn exit(&self) -> PathBuf {
        self.path.join("exit.json")
    }

    pub(crate) fn cleaned(&self) -> PathBuf {
        self.path.join("cleaned")
    }

    /// The supervisor's socket.
    pub(crate) fn control(&self) -> PathBuf {
        self.path.join("ctl")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// What the supervisor said when it failed in a way that it does not know.
    pub(crate) fn complaint(&self) -> PathBuf {
        self.path.join("supervisor.err")
    }

    /// A supervisor lives.
    pub(crate) fn is_supervised(&self) -> Result<bool, RuntimeError> {
        let path = self.container();
        let holder = lock::holder(&path).tried("ask for", &path)?;
        Ok(holder == Holder::Supervisor)
    }

    /// Whether there is such a file.
    pub(crate) fn has(path: &Path) -> Result<bool, RuntimeError> {
        path.try_exists().tried("look for", path)
    }
}

/// Reads a record; none when there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RuntimeError> {
    let text = match fs::read(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        outcome => outcome.tried("read", path)?,
    };
    let value = serde_json::from_slice(&text);
    value.map(Some).map_err(|source| RuntimeError::Record {
        path: path.to_owned(),
        source,
    })
}

/// Writes a record aside and gives it its name. There must be one writer of this file at a time.
///
/// It is to be brought to the disk when it has its name, by which one trip does for both: a file system
/// that keeps a journal writes the name of a file before what comes after it. Should the power go in
/// that moment, the file may be there and empty.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<File, RuntimeError> {
    let aside = path.with_extension("new");
    let mut file = File::create(&aside).tried("write", &aside)?;
    file.write_all(&json(value)).tried("write", &aside)?;
    fs::rename(&aside, path).tried("name", path)?;
    Ok(file)
}

/// Records of ours as text.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records of ours are plain JSON")
}

/// Removes a file or a whole folder; there may be none.
pub(crate) fn discard(path: &Path) -> Result<(), RuntimeError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(why) => Err(why),
    };
    match removed {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.tried("remove", path),
    }
}
