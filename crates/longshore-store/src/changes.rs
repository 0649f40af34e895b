//! Who wants to know that the store has changed learns it here, whichever process changed it.
//!
//! After each commit the writing process rings the *bell*: it writes its mark into a small file that
//! every process watches. (The database files themselves are no bell: they are written to before a
//! commit becomes visible.) Should a bell be lost, the database's own version number is looked at
//! every now and then.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Weak};

use longshore_core::limits::FOLLOW_PERIOD;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;
use uuid::Uuid;

use crate::sqlite::{self, Connection};

/// A view of the store's changes; see [`Store::changes`](crate::Store::changes).
#[derive(Clone, Debug)]
pub struct Changes {
    count: watch::Receiver<u64>,
}

impl Changes {
    /// Returns soon after any commit by any process that came after this view was made, or after
    /// this method last returned. Several commits may be one return; now and then it returns though
    /// nothing has changed.
    ///
    /// Cancel-safe. Pends for ever once the store is dropped.
    pub async fn changed(&mut self) {
        if self.count.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Rings the bell and hears it.
pub(crate) struct Signal {
    bell: Arc<File>,
    /// What this store writes, to tell its own ringing from that of others.
    mark: [u8; 16],
    count: watch::Sender<u64>,
    /// Hears the bell until it is dropped; `None` where the system has no watches left.
    _watcher: Option<RecommendedWatcher>,
}

impl Signal {
    /// Listens to the bell of an open store, and looks at the version now and then.
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the signal that it serves"
    )]
    pub(crate) fn new(path: &Path, bell: File, watcher: Connection) -> Arc<Self> {
        let bell = Arc::new(bell);
        let mark = *Uuid::new_v4().as_bytes();
        let (count, _) = watch::channel(0);
        let heard = hear(path, &bell, mark, &count);
        let signal = Arc::new(Self {
            bell,
            mark,
            count,
            _watcher: heard,
        });
        tokio::spawn(look(Arc::downgrade(&signal), watcher));
        signal
    }

    /// A view that starts now.
    pub(crate) fn changes(&self) -> Changes {
        Changes {
            count: self.count.subscribe(),
        }
    }

    /// Tells everybody, others first: who hears this store's mark may then rely on being told.
    pub(crate) fn committed(&self) {
        if let Err(error) = self.bell.write_all_at(&self.mark, 0) {
            tracing::debug!(%error, "the bell could not be rung; others will look by themselves");
        }
        bump(&self.count);
    }
}

fn bump(count: &watch::Sender<u64>) {
    count.send_modify(|count| *count = count.wrapping_add(1));
}

/// Watches the bell; ringing of our own is known already.
fn hear(
    path: &Path,
    bell: &Arc<File>,
    mark: [u8; 16],
    count: &watch::Sender<u64>,
) -> Option<RecommendedWatcher> {
    let (bell, count) = (Arc::clone(bell), count.clone());
    let heard = move |event: notify::Result<notify::Event>| {
        let is_write = event.is_ok_and(|event| event.kind.is_modify());
        let mut last = [0; 16];
        if is_write && (bell.read_exact_at(&mut last, 0).is_err() || last != mark) {
            bump(&count);
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

/// The fallback: asks the database for its version while anybody listens.
async fn look(signal: Weak<Signal>, mut watcher: Connection) {
    let mut seen = None;
    loop {
        tokio::time::sleep(FOLLOW_PERIOD).await;
        let Some(signal) = signal.upgrade() else {
            break;
        };
        if signal.count.receiver_count() == 0 {
            seen = None;
            continue;
        }
        let version = sqlite::version_seen(&mut watcher).await.ok();
        if version != seen || version.is_none() {
            bump(&signal.count);
        }
        seen = version;
    }
    sqlite::close(watcher).await;
}
