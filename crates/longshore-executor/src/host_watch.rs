//! The one event stream of a host, fanned out to the attempts that run there.
//!
//! Events are hints and may be lost: whoever receives a hint looks at the container, and looks
//! anyway from time to time. When the stream breaks everybody is told to look again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use longshore_core::{AttemptId, PoolId, limits};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{HostEvent, SharedExecutor};

/// What the host watch knows about one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The engine reported the exit while we listened.
    pub exited: bool,
    /// Somebody sent it a signal.
    pub signalled: bool,
    /// The stream broke since the attempt began to listen.
    pub broken: bool,
    /// Grows with everything that is a reason to look.
    pub reasons: u64,
}

/// Hints of one attempt; listening ends when it is dropped.
pub struct Listener {
    attempt: AttemptId,
    hints: watch::Receiver<Hints>,
    listeners: Arc<Listeners>,
}

impl Listener {
    /// What is known now.
    pub fn hints(&self) -> watch::Receiver<Hints> {
        self.hints.clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.lock().remove(&self.attempt);
    }
}

#[derive(Default)]
struct Listeners(Mutex<HashMap<AttemptId, watch::Sender<Hints>>>);

impl Listeners {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, watch::Sender<Hints>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watch of one host.
#[derive(Default)]
pub struct HostWatch {
    listeners: Arc<Listeners>,
    connected: watch::Sender<bool>,
}

impl HostWatch {
    /// A watch that is not connected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to listen for one attempt.
    pub fn listen(&self, attempt: AttemptId) -> Listener {
        let start = Hints {
            broken: !*self.connected.borrow(),
            ..Hints::default()
        };
        let (sender, hints) = watch::channel(start);
        self.listeners.lock().insert(attempt, sender);
        Listener {
            attempt,
            hints,
            listeners: Arc::clone(&self.listeners),
        }
    }

    /// Whether the stream is open now, and news about it.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    /// Reads the stream, and opens it again whenever it breaks, until told to stop.
    pub async fn run(&self, executor: SharedExecutor, pool: PoolId, stop: CancellationToken) {
        let mut pause = limits::RETRY_CALL_FIRST;
        while !stop.is_cancelled() {
            let lasted = tokio::select! {
                () = stop.cancelled() => return,
                lasted = self.listen_once(&executor, pool) => lasted,
            };
            pause = if lasted {
                limits::RETRY_CALL_FIRST
            } else {
                (pause * 2).min(limits::RETRY_CALL_LAST)
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One connection, from opening to its end; says whether there was one.
    async fn listen_once(&self, executor: &SharedExecutor, pool: PoolId) -> bool {
        let mut events = match executor.events(pool).await {
            Ok(events) => events,
            Err(error) => {
                tracing::debug!(error = %error, "the host's events cannot be read");
                return false;
            }
        };
        self.connected.send_replace(true);
        self.everybody(|_| {});
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.tell(&event),
                Err(error) => {
                    tracing::debug!(error = %error, "the host's event stream broke");
                    break;
                }
            }
        }
        self.connected.send_replace(false);
        self.everybody(|hints| hints.broken = true);
        true
    }

    fn tell(&self, event: &HostEvent) {
        let (attempt, note): (_, fn(&mut Hints)) = match event {
            HostEvent::Exited(attempt) => (attempt, |hints| hints.exited = true),
            HostEvent::Signalled(attempt, _) => (attempt, |hints| hints.signalled = true),
            HostEvent::Removed(attempt) => (attempt, |_| {}),
        };
        if let Some(sender) = self.listeners.lock().get(attempt) {
            // A signal alone is no reason to look: its exit follows, or does not.
            let is_reason = !matches!(event, HostEvent::Signalled(..));
            sender.send_modify(|hints| {
                note(hints);
                hints.reasons += u64::from(is_reason);
            });
        }
    }

    fn everybody(&self, note: impl Fn(&mut Hints)) {
        for sender in self.listeners.lock().values() {
            sender.send_modify(|hints| {
                note(hints);
                hints.reasons += 1;
            });
        }
    }
}
