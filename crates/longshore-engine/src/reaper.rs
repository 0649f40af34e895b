//! Removes the containers of ended attempts: a duty of its own that holds no slot and no status.

use std::collections::HashSet;
use std::sync::Arc;

use longshore_core::{AttemptId, limits};
use longshore_executor::{ExecutorError, Force, Removed};
use longshore_store::StoreError;
use tokio::sync::{Semaphore, mpsc};

use crate::context::{Context, Remains};

/// Removals at one time.
const CONCURRENT: usize = 4;

/// Runs until the worker leaves. Closes by itself when all that is known is removed and the
/// sender side is gone.
pub(crate) async fn run(context: Arc<Context>, mut remains: mpsc::UnboundedReceiver<Remains>) {
    let room = Arc::new(Semaphore::new(CONCURRENT));
    let mut busy: HashSet<AttemptId> = HashSet::new();
    let (done, mut finished) = mpsc::unbounded_channel();
    let mut rounds = tokio::time::interval(limits::SERVICE_PERIOD);
    loop {
        let batch = tokio::select! {
            () = context.leave.cancelled() => return,
            Some(attempt) = finished.recv() => {
                busy.remove(&attempt);
                continue;
            }
            Some(remains) = remains.recv() => vec![remains],
            _ = rounds.tick() => left_over(&context).await,
        };
        for remains in batch {
            if !busy.insert(remains.attempt) {
                continue;
            }
            let (context, room, done) = (Arc::clone(&context), Arc::clone(&room), done.clone());
            let tasks = context.tasks.clone();
            tasks.spawn(async move {
                let attempt = remains.attempt;
                bury(&context, &room, remains).await;
                let _ = done.send(attempt);
            });
        }
    }
}

/// What the store knows as ended and not removed.
async fn left_over(context: &Context) -> Vec<Remains> {
    match context.store.unremoved(limits::PAGE, None).await {
        Ok(attempts) => attempts
            .into_iter()
            .map(|attempt| Remains {
                attempt: attempt.id,
                host: attempt.host,
                may_come_late: attempt.handle.is_none(),
                handle: attempt.handle,
            })
            .collect(),
        Err(error) => {
            tracing::error!(error = %error, "what is to be removed cannot be read; trying again");
            Vec::new()
        }
    }
}

/// Removes one container, trying again until it is gone or the worker leaves.
async fn bury(context: &Context, room: &Semaphore, remains: Remains) {
    let mut pause = limits::RETRY_CALL_FIRST;
    let late = if remains.may_come_late {
        &limits::LATE_CREATE[..]
    } else {
        &[]
    };
    let mut late = late.iter();
    loop {
        match remove(context, room, &remains).await {
            Ok(true) => match late.next() {
                Some(later) => pause = *later,
                None => break,
            },
            Ok(false) => {}
            Err(error) => tracing::debug!(error = %error, "the container is not removed yet"),
        }
        tokio::select! {
            () = context.leave.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(limits::RETRY_CALL_LAST);
    }
    if let Err(error) = note(context, &remains).await {
        tracing::error!(error = %error, "a removal could not be written down; it is repeated later");
    }
}

/// Nothing waits for this where others move: removals of one moment are written together.
async fn note(context: &Context, remains: &Remains) -> Result<(), StoreError> {
    if *context.active.borrow() > 0 {
        tokio::select! {
            () = context.leave.cancelled() => {}
            () = context.beat() => {}
        }
    }
    context.store.removed(remains.attempt, context.now()).await
}

/// Whether the container is gone.
async fn remove(
    context: &Context,
    room: &Semaphore,
    remains: &Remains,
) -> Result<bool, ExecutorError> {
    let Some(host) = context.host(remains.host) else {
        return Ok(false);
    };
    let Ok(_permit) = room.acquire().await else {
        return Ok(false);
    };
    let found = match &remains.handle {
        Some(handle) => Some(handle.clone()),
        None => host.executor.find(remains.attempt).await?,
    };
    let Some(handle) = found else { return Ok(true) };
    // Its attempt has its verdict: whatever still runs in it has no right to.
    match host.executor.remove(&handle, Force::Kill).await? {
        Removed::Gone | Removed::WasAbsent => Ok(true),
        Removed::Pending => Ok(false),
    }
}
