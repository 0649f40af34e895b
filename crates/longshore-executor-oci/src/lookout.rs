//! What happens to containers, heard by inotify: one instance for a host, however many containers and
//! listeners there are.
//!
//! A *listener* is told of ends and removals in one pool. A *change* is what readers of a
//! container's log wait for: it grew, or the container ended or is gone.

use std::collections::HashMap;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_core::limits::EVENT_QUEUE;
use longshore_core::{AttemptId, PoolId};
use longshore_executor::{ExecutorError, HostEvent};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::faults;
use crate::opened::{Opened, RECORD};
use crate::tags;

/// Gets its name when the container has ended.
const EXIT: &str = "exit.json";
/// Where its output is.
const LOG: &str = "log";
/// Room for what the kernel tells at once.
const BUFFER: usize = 16 * 1024;

/// Hears what happens; stops when it is dropped.
pub(crate) struct Lookout {
    ears: Arc<Ears>,
    task: JoinHandle<()>,
}

/// Who wants to know.
#[derive(Default)]
struct Ears {
    changes: Mutex<HashMap<String, watch::Sender<u64>>>,
    listeners: Mutex<Vec<Listener>>,
}

struct Listener {
    pool: PoolId,
    events: mpsc::Sender<HostEvent>,
}

/// One that hears for the others.
struct Watcher {
    opened: Arc<Opened>,
    inotify: AsyncFd<OwnedFd>,
    /// The watch of the folder of all containers.
    all: i32,
    /// Names of containers by the watches of their folders.
    names: HashMap<i32, String>,
    owners: HashMap<String, (PoolId, AttemptId)>,
    ears: Arc<Ears>,
}

/// What the kernel told.
struct Told {
    watch: i32,
    flags: ReadFlags,
    file: String,
}

impl Lookout {
    /// Begins to listen. What happens from now on is heard.
    pub(crate) fn start(opened: Arc<Opened>) -> Result<Self, ExecutorError> {
        let ears = Arc::<Ears>::default();
        let watcher = Watcher::new(opened, Arc::clone(&ears));
        let watcher =
            watcher.map_err(|why| faults::of_file("listen to what happens to containers", why))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "ends with its lookout; nothing waits for it"
        )]
        let task = tokio::spawn(watcher.run());
        Ok(Self { ears, task })
    }

    /// Ends and removals of the pool's containers. It ends when they are not taken in time, or when
    /// the kernel has forgotten some.
    pub(crate) fn listen(&self, pool: PoolId) -> mpsc::Receiver<HostEvent> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        self.ears.listeners().push(Listener { pool, events });
        receiver
    }

    /// Counts the changes of a container.
    pub(crate) fn changes(&self, name: &str) -> watch::Receiver<u64> {
        let mut changes = self.ears.changes();
        changes.retain(|_, sender| sender.receiver_count() > 0);
        changes.entry(name.to_owned()).or_default().subscribe()
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ears {
    fn changes(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, name: &str) {
        if let Some(sender) = self.changes().get(name) {
            sender.send_modify(|count| *count += 1);
        }
    }

    fn tell(&self, pool: PoolId, event: &HostEvent) {
        // One that does not keep up is let go, and looks at everything.
        self.listeners().retain(|listener| {
            listener.pool != pool || listener.events.try_send(event.clone()).is_ok()
        });
    }

    fn confess(&self) {
        self.listeners().clear();
        for sender in self.changes().values() {
            sender.send_modify(|count| *count += 1);
        }
    }
}

impl Watcher {
    fn new(opened: Arc<Opened>, ears: Arc<Ears>) -> std::io::Result<Self> {
        let folder = opened.runtime.folder().to_path_buf();
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let happenings = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        let all = inotify::add_watch(&inotify, &folder, happenings)?;
        let mut watcher = Self {
            opened,
            inotify: readable(inotify)?,
            all,
            names: HashMap::new(),
            owners: HashMap::new(),
            ears,
        };
        for entry in fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                watcher.watch(name);
            }
        }
        Ok(watcher)
    }

    async fn run(mut self) {
        loop {
            let Ok(mut ready) = self.inotify.readable().await else {
                return;
            };
            let told = drain(self.inotify.get_ref());
            ready.clear_ready();
            drop(ready);
            for told in told {
                self.take_in(told);
            }
        }
    }

    fn take_in(&mut self, told: Told) {
        let comes = told
            .flags
            .intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if told.flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.ears.confess();
        } else if told.flags.contains(ReadFlags::IGNORED) {
            self.names.remove(&told.watch);
        } else if told.watch != self.all {
            self.changed(told.watch, &told.file, comes);
        } else if comes {
            let name = told.file;
            self.watch(name.clone());
            // It may have lived its whole life before it was watched.
            if self.opened.runtime.folder().join(&name).join(EXIT).exists() {
                self.ended(&name);
            }
        } else {
            self.gone(&told.file);
        }
    }

    fn watch(&mut self, name: String) {
        let folder = self.opened.runtime.folder().join(&name);
        let happenings = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MODIFY;
        let watch = inotify::add_watch(self.inotify.get_ref(), Path::new(&folder), happenings);
        // It may be gone again.
        let Ok(watch) = watch else { return };
        self.know(&name);
        self.names.insert(watch, name);
    }

    /// Whose it is cannot be read any more when it is gone.
    fn know(&mut self, name: &str) {
        let Ok(Some((config, _))) = self.opened.container(name) else {
            return;
        };
        let owner = tags::pool_of(&config).zip(tags::attempt_of(&config));
        if let Some(owner) = owner {
            self.owners.insert(name.to_owned(), owner);
        }
    }

    fn changed(&mut self, watch: i32, file: &str, comes: bool) {
        let Some(name) = self.names.get(&watch).cloned() else {
            return;
        };
        if comes && file == RECORD {
            self.know(&name);
        }
        if comes && file == EXIT {
            self.ended(&name);
            self.ears.changed(&name);
        } else if file == LOG {
            self.ears.changed(&name);
        }
    }

    fn ended(&self, name: &str) {
        if let Some((pool, attempt)) = self.owners.get(name) {
            self.ears.tell(*pool, &HostEvent::Exited(*attempt));
        }
    }

    fn gone(&mut self, name: &str) {
        if let Some((pool, attempt)) = self.owners.remove(name) {
            self.ears.tell(pool, &HostEvent::Removed(attempt));
        }
        self.ears.changed(name);
    }
}

#[expect(
    unsafe_code,
    reason = "tokio takes no other for a descriptor that it does not know"
)]
fn readable(inotify: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an owned descriptor is open and the same until it is dropped, with what owns it.
    let registered = unsafe { AsyncFd::register_with_interest(inotify, Interest::READABLE) };
    Ok(registered?)
}

/// Everything that the kernel has to tell now.
fn drain(inotify: &OwnedFd) -> Vec<Told> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(inotify, &mut buffer);
    let mut all = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => all.push(Told {
                watch: event.wd(),
                flags: event.events(),
                file: event
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
            }),
            Err(Errno::INTR) => {}
            Err(_) => return all,
        }
    }
}
