//! The right to make something that many want: a lock on the file or folder that is being made.
//!
//! The lock goes with the process. What is finished is renamed away, so whoever gets the lock of
//! something that has no name any more looks again for the finished thing.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{ImageError, Tried};

/// What is made under a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    File,
    Folder,
}

/// The right to make one thing, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    file: File,
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) enum Turn<T> {
    /// Ours.
    Mine(T),
    /// It is there already.
    Done,
    /// Another's, who has this many bytes of it.
    Others(u64),
}

impl Claim {
    /// Asks for the right to make `path`; none when another has it.
    pub(super) fn ask(path: &Path, shape: Shape) -> Result<Option<Self>, ImageError> {
        let outcome = ask(path, shape);
        outcome.tried("make", path)
    }

    /// Takes over what is there, to remove it; none when it is being made or gone.
    pub(super) fn of_existing(path: &Path) -> Result<Option<Self>, ImageError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            outcome => File::from(outcome.tried("open", path)?),
        };
        let locked = lock(&file, path).tried("lock", path)?;
        Ok((locked == Locked::Yes).then(|| Self {
            path: path.to_path_buf(),
            file,
        }))
    }

    /// The same claim, when what is made has got another name.
    pub(super) fn renamed(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn ask(path: &Path, shape: Shape) -> io::Result<Option<Claim>> {
    loop {
        let file = open(path, shape)?;
        match lock(&file, path)? {
            Locked::Yes => {
                return Ok(Some(Claim {
                    path: path.to_path_buf(),
                    file,
                }));
            }
            Locked::ByAnother => return Ok(None),
            Locked::Renamed => {}
        }
    }
}

fn open(path: &Path, shape: Shape) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match shape {
        Shape::File => {
            let flags = flags | OFlags::RDWR | OFlags::CREATE;
            Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
        }
        Shape::Folder => {
            match rustix::fs::mkdir(path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(why) => return Err(why.into()),
            }
            let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY;
            match rustix::fs::open(path, flags, Mode::empty()) {
                Err(Errno::NOENT) => open(path, shape),
                outcome => Ok(outcome?.into()),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locked {
    Yes,
    ByAnother,
    /// It is locked, but it is not called so any more.
    Renamed,
}

fn lock(file: &File, path: &Path) -> io::Result<Locked> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(Locked::ByAnother),
        outcome => outcome?,
    }
    let (own, named) = (file.metadata()?, fs::symlink_metadata(path));
    let same = named.is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino()));
    Ok(if same { Locked::Yes } else { Locked::Renamed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_made_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for (name, shape) in [("file", Shape::File), ("folder", Shape::Folder)] {
            let path = folder.path().join(name);
            let first = Claim::ask(&path, shape).unwrap().unwrap();
            assert!(Claim::ask(&path, shape).unwrap().is_none());
            assert!(Claim::of_existing(&path).unwrap().is_none());
            drop(first);
            assert!(Claim::ask(&path, shape).unwrap().is_some());
        }
    }

    #[test]
    fn a_lock_on_what_was_renamed_away_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let late = open(&path, Shape::File).unwrap();
        fs::rename(&path, folder.path().join("done")).unwrap();
        assert_eq!(lock(&late, &path).unwrap(), Locked::Renamed);
    }
}
