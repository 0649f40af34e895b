//! Containers whose records were read: a record is written once, and tells the same as long as its file
//! is the same.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::handle::ContainerId;

/// More are not remembered.
const MOST: usize = 1024;

/// Which file of which time: its number and when it changed last, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64, i64, i64);

impl Stamp {
    /// Of the file that has this name now, if any has.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self(found.ino(), found.ctime(), found.ctime_nsec()))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// Which record is whose.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<String, Stamp>>);

impl Seen {
    /// Whether the record of this container was read from that very file.
    pub(crate) fn is_of(&self, id: &ContainerId, stamp: Stamp) -> bool {
        self.lock().get(id.as_str()) == Some(&stamp)
    }

    /// The record of this container was read from that file.
    pub(crate) fn note(&self, id: &ContainerId, stamp: Stamp) {
        let mut seen = self.lock();
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(id.as_str().to_owned(), stamp);
    }

    /// The container is gone.
    pub(crate) fn forget(&self, id: &ContainerId) {
        self.lock().remove(id.as_str());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Stamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use longshore_core::AttemptId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_record_is_known_as_long_as_its_file_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("container.json");
        assert_eq!(Stamp::of(&path).unwrap(), None);
        fs::write(&path, "{}").unwrap();
        let stamp = Stamp::of(&path).unwrap().unwrap();
        let attempt = AttemptId::new(Uuid::now_v7());
        let (own, other) = (ContainerId::new(attempt), ContainerId::new(attempt));
        let seen = Seen::default();
        seen.note(&own, stamp);
        assert!(seen.is_of(&own, Stamp::of(&path).unwrap().unwrap()));
        assert!(!seen.is_of(&other, stamp), "of the same attempt");
        let aside = folder.path().join("aside");
        fs::write(&aside, "{}").unwrap();
        fs::rename(&aside, &path).unwrap();
        assert!(!seen.is_of(&own, Stamp::of(&path).unwrap().unwrap()));
        seen.note(&own, stamp);
        seen.forget(&own);
        assert!(!seen.is_of(&own, stamp));
    }
}
