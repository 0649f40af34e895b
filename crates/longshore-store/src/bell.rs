//! The bell of a store in a folder: how its processes hear of each other's commits.
//!
//! After each commit the writing process *rings*: it writes its mark into a small file that every
//! process watches. (The database files themselves are no bell: they are written to before a commit
//! becomes visible.)

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use uuid::Uuid;

use crate::changes::Counter;

/// Rings, and hears others ring.
pub(crate) struct Bell {
    file: Arc<File>,
    /// What this store writes, to tell its own ringing from that of others.
    mark: [u8; 16],
    /// Hears until it is dropped; `None` where the system has no watches left.
    _watcher: Option<RecommendedWatcher>,
}

impl Bell {
    /// Hears the bell of an open store from now on.
    pub(crate) fn hear(path: &Path, file: File, counter: &Counter) -> Self {
        let file = Arc::new(file);
        let mark = *Uuid::new_v4().as_bytes();
        let watcher = watch(path, &file, mark, counter.clone());
        Self {
            file,
            mark,
            _watcher: watcher,
        }
    }

    /// Tells the other processes.
    pub(crate) fn ring(&self) {
        if let Err(error) = self.file.write_all_at(&self.mark, 0) {
            tracing::debug!(%error, "the bell could not be rung; others will look by themselves");
        }
    }
}

/// Watches the bell; ringing of our own is known already.
fn watch(
    path: &Path,
    file: &Arc<File>,
    mark: [u8; 16],
    counter: Counter,
) -> Option<RecommendedWatcher> {
    let file = Arc::clone(file);
    let heard = move |event: notify::Result<notify::Event>| {
        let is_write = event.is_ok_and(|event| event.kind.is_modify());
        let mut last = [0; 16];
        if is_write && (file.read_exact_at(&mut last, 0).is_err() || last != mark) {
            counter.bump();
        }
    };
    let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
        watcher.watch(path, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watcher
        .inspect_err(|error| tracing::warn!(%error, "no file watches: changes are seen later"))
        .ok()
}
