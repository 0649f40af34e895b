//! Which workers of this machine are alive: a locked file each, which the kernel unlocks with them.
//!
//! A lease would tell too, but only after it has passed; a dead process on the same machine is
//! known at once. Workers on other machines leave no file here and are judged by their lease.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use longshore_core::WorkerId;

/// This worker's own file, locked while it lives.
pub(crate) struct Presence {
    path: PathBuf,
    _locked: File,
}

impl Presence {
    /// Announces this worker.
    pub(crate) fn announce(folder: &Path, worker: WorkerId) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = path_of(folder, worker);
        let file = File::create(&path)?;
        file.lock()?;
        Ok(Self {
            path,
            _locked: file,
        })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // A file that stays is found unlocked and removed by the next worker.
        let _ = fs::remove_file(&self.path);
    }
}

/// The workers of this machine that died without a word. Their files are removed.
pub(crate) fn bury_dead(folder: &Path) -> io::Result<Vec<WorkerId>> {
    let mut dead = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(worker) = worker_of(&path) else {
            continue;
        };
        let Ok(file) = File::open(&path) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => {
                fs::remove_file(&path)?;
                dead.push(worker);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(dead)
}

/// How many workers of this machine announce themselves in the folder and are alive.
///
/// # Errors
/// The folder cannot be read. One that is not there has none.
pub fn count_alive(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut alive = 0;
    for entry in entries {
        let path = entry?.path();
        let file = worker_of(&path).and_then(|_| File::open(&path).ok());
        // A shared lock that is held for a moment takes nobody's.
        let is_held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        alive += usize::from(file.is_some_and(is_held));
    }
    Ok(alive)
}

fn path_of(folder: &Path, worker: WorkerId) -> PathBuf {
    folder.join(format!("{worker}.alive"))
}

fn worker_of(path: &Path) -> Option<WorkerId> {
    path.file_name()?
        .to_str()?
        .strip_suffix(".alive")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_workers_without_a_lock_are_dead() {
        let folder = tempfile::tempdir().unwrap();
        let alive = WorkerId::new(uuid::Uuid::from_u128(1));
        let dead = WorkerId::new(uuid::Uuid::from_u128(2));
        let presence = Presence::announce(folder.path(), alive).unwrap();
        File::create(path_of(folder.path(), dead)).unwrap();
        assert_eq!(count_alive(folder.path()).unwrap(), 1);
        assert_eq!(bury_dead(folder.path()).unwrap(), [dead]);
        assert_eq!(bury_dead(folder.path()).unwrap(), []);
        drop(presence);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
