//! What every service of one worker shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_core::host::Host;
use longshore_core::launch::Handle;
use longshore_core::outcome::CancelReason;
use longshore_core::{AttemptId, HostId, WorkerId, limits};
use longshore_executor::{ExecutorPool, HostWatch, SharedExecutor};
use longshore_store::Store;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::knowledge::Knowledge;
use crate::options::WorkerOptions;
use crate::shelf::Shelf;
use crate::turns::Turns;

/// An ended attempt whose container is to be removed.
#[derive(Clone, Debug)]
pub(crate) struct Remains {
    pub(crate) attempt: AttemptId,
    pub(crate) host: HostId,
    pub(crate) handle: Option<Handle>,
    /// Whether a create was sent whose effect nobody knows.
    pub(crate) may_come_late: bool,
}

/// A host that this worker speaks to.
#[derive(Clone)]
pub(crate) struct ActiveHost {
    pub(crate) host: Host,
    pub(crate) executor: SharedExecutor,
    pub(crate) watch: Arc<HostWatch>,
    stop: CancellationToken,
}

/// Shared by all services of one worker.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) worker: WorkerId,
    pub(crate) options: WorkerOptions,
    pub(crate) executors: ExecutorPool,
    pub(crate) shelf: Shelf,
    pub(crate) turns: Turns,
    /// All tasks of this worker, so that stop can wait for them.
    pub(crate) tasks: TaskTracker,
    /// No new claims.
    pub(crate) closing: CancellationToken,
    /// Leave everything as it is, now.
    pub(crate) leave: CancellationToken,
    /// A slot may be free, or something may be queued.
    pub(crate) dispatch: Notify,
    /// The supervised attempts.
    supervised: Mutex<HashMap<AttemptId, Supervised>>,
    /// What is known of the hosts.
    pub(crate) knowledge: Knowledge,
    /// Grows and shrinks with the supervised attempts.
    pub(crate) active: watch::Sender<usize>,
    pub(crate) remains: mpsc::UnboundedSender<Remains>,
    hosts: Mutex<HashMap<HostId, ActiveHost>>,
    started: Instant,
}

/// Why a supervised attempt is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Its job is to be cancelled.
    Cancel(CancelReason),
    /// Its host is to be empty.
    Evict,
}

/// Where a supervised attempt is, and the way to tell it of a wish.
struct Supervised {
    host: HostId,
    wish: watch::Sender<Option<Wish>>,
}

impl Supervised {
    /// The first wish counts; who wishes a job cancelled that is evicted is heard by the store.
    fn tell(&self, wish: Wish) {
        self.wish.send_if_modified(|told| {
            let is_first = told.is_none();
            told.get_or_insert(wish);
            is_first
        });
    }
}

/// What a context is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) worker: WorkerId,
    pub(crate) options: WorkerOptions,
    pub(crate) executors: ExecutorPool,
    pub(crate) remains: mpsc::UnboundedSender<Remains>,
}

impl Context {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            clock: parts.clock,
            worker: parts.worker,
            options: parts.options,
            executors: parts.executors,
            shelf: Shelf::default(),
            turns: Turns::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            leave: CancellationToken::new(),
            dispatch: Notify::new(),
            supervised: Mutex::default(),
            knowledge: Knowledge::default(),
            active: watch::Sender::new(0),
            remains: parts.remains,
            hosts: Mutex::default(),
            started: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits for the next moment at which those write together who are in no hurry.
    pub(crate) async fn beat(&self) {
        let period = limits::LOOK_PERIOD;
        let beats = self.started.elapsed().as_nanos() / period.as_nanos();
        let next = u32::try_from(beats + 1).unwrap_or(u32::MAX);
        tokio::time::sleep_until(self.started + period * next).await;
    }

    /// Runs a task that stop waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Enters an attempt as supervised here; `None` when it already is.
    pub(crate) fn enter(
        &self,
        attempt: AttemptId,
        host: HostId,
    ) -> Option<watch::Receiver<Option<Wish>>> {
        let mut supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if supervised.contains_key(&attempt) {
            return None;
        }
        let (wish, receiver) = watch::channel(None);
        supervised.insert(attempt, Supervised { host, wish });
        self.active.send_replace(supervised.len());
        Some(receiver)
    }

    /// The attempts that are supervised here.
    pub(crate) fn supervised(&self) -> Vec<AttemptId> {
        let supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        supervised.keys().copied().collect()
    }

    /// Whether the attempt is supervised here.
    pub(crate) fn supervises(&self, attempt: AttemptId) -> bool {
        let supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        supervised.contains_key(&attempt)
    }

    /// The attempt is no longer supervised here.
    pub(crate) fn exit(&self, attempt: AttemptId) {
        let mut supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        supervised.remove(&attempt);
        self.active.send_replace(supervised.len());
        drop(supervised);
        self.dispatch.notify_one();
    }

    /// Tells the attempt's supervisor that its job is to be cancelled.
    pub(crate) fn cancel(&self, attempt: AttemptId, reason: CancelReason) {
        let supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(supervised) = supervised.get(&attempt) {
            supervised.tell(Wish::Cancel(reason));
        }
    }

    /// Tells the supervisors of all attempts on a host that it is to be empty.
    pub(crate) fn evict(&self, host: HostId) {
        let supervised = self
            .supervised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        supervised
            .values()
            .filter(|supervised| supervised.host == host)
            .for_each(|supervised| supervised.tell(Wish::Evict));
    }

    /// The hosts that this worker speaks to.
    pub(crate) fn hosts(&self) -> Vec<ActiveHost> {
        self.hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// One of them.
    pub(crate) fn host(&self, id: HostId) -> Option<ActiveHost> {
        self.hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// Takes the hosts as the store has them now: opens, renews and drops executors and watches.
    pub(crate) fn refresh_hosts(self: &Arc<Self>, wanted: Vec<Host>) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|id, active| {
            let stays = wanted
                .iter()
                .any(|host| host.id == *id && host.endpoint == active.host.endpoint);
            if !stays {
                active.stop.cancel();
            }
            stays
        });
        for host in wanted {
            if let Some(active) = hosts.get_mut(&host.id) {
                active.host = host;
                continue;
            }
            match self.executors.get(&host) {
                Ok(executor) => {
                    hosts.insert(host.id, self.activate(host, executor));
                }
                Err(error) => {
                    tracing::warn!(host.name = %host.name, error = %error, "the host cannot be used");
                }
            }
        }
    }

    fn activate(self: &Arc<Self>, host: Host, executor: SharedExecutor) -> ActiveHost {
        let watch = Arc::new(HostWatch::new());
        let stop = self.leave.child_token();
        let (context, pool) = (Arc::clone(self), self.store.pool());
        let task = {
            let (watch, executor, stop) = (Arc::clone(&watch), Arc::clone(&executor), stop.clone());
            async move { watch.run(executor, pool, stop).await }
        };
        self.spawn(task);
        let mut connected = watch.connected();
        let gone = stop.clone();
        self.spawn(async move {
            // A host that answers (again) may take what is queued.
            loop {
                tokio::select! {
                    () = gone.cancelled() => return,
                    news = connected.changed() => match news {
                        Ok(()) => context.dispatch.notify_one(),
                        Err(_) => return,
                    },
                }
            }
        });
        ActiveHost {
            host,
            executor,
            watch,
            stop,
        }
    }
}
