//! What the calls of one attempt leave behind for its record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_core::limits;
use longshore_store::Fenced;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::logs::LogState;
use crate::context::Context;

/// What calls leave behind for the record.
#[derive(Clone)]
pub(super) struct Outputs(Arc<Shared>);

struct Shared {
    digest: Mutex<Option<String>>,
    pull: watch::Sender<Option<String>>,
    stopping: AtomicBool,
    draining_since: Mutex<Option<Instant>>,
    log: AsyncMutex<LogState>,
}

impl Outputs {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            digest: Mutex::default(),
            pull: watch::Sender::new(None),
            stopping: AtomicBool::new(false),
            draining_since: Mutex::default(),
            log: AsyncMutex::default(),
        }))
    }

    pub(super) fn set_digest(&self, digest: Option<String>) {
        *self.0.digest.lock().unwrap_or_else(PoisonError::into_inner) = digest;
    }

    pub(super) fn digest(&self) -> Option<String> {
        let digest = self.0.digest.lock();
        digest.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn pulling(&self, line: &str) {
        self.0.pull.send_replace(Some(line.to_owned()));
    }

    pub(super) fn set_stopping(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn set_draining(&self) {
        *self.draining_since() = Some(Instant::now());
    }

    fn draining_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let since = self.0.draining_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_draining_too_long(&self) -> bool {
        let since = *self.draining_since();
        since.is_some_and(|since| since.elapsed() > limits::DRAIN_GIVE_UP)
    }

    pub(super) async fn log(&self) -> MutexGuard<'_, LogState> {
        self.0.log.lock().await
    }
}

/// Shows how a pull goes, often at first and then every few seconds.
pub(super) async fn carry_pulls(
    context: Arc<Context>,
    fenced: Fenced,
    outputs: Outputs,
    stop: CancellationToken,
) {
    let mut lines = outputs.0.pull.subscribe();
    let mut pause = Duration::from_millis(300);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            news = lines.changed() => if news.is_err() { return },
        }
        let Some(line) = lines.borrow_and_update().clone() else {
            continue;
        };
        if let Err(error) = context.store.pulling(fenced, &line, context.now()).await {
            tracing::debug!(error = %error, "pull progress is not shown");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
