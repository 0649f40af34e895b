//! Releases what is due: retries and delayed jobs; gives up what has waited too long.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::limits;
use longshore_store::StoreError;

use crate::context::Context;

/// Runs until the worker closes.
pub(crate) async fn run(context: Arc<Context>) {
    let mut changes = context.store.changes();
    loop {
        let pause = match run_once(&context).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(error = %error, "due jobs cannot be released; trying again");
                limits::SERVICE_PERIOD
            }
        };
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = changes.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One round; says when the next is due.
async fn run_once(context: &Context) -> Result<Duration, StoreError> {
    // Looks before it writes: a write wakes everybody, also this service.
    let Some(due) = context.store.next_due().await? else {
        return Ok(limits::SERVICE_PERIOD);
    };
    let now = context.now();
    if due <= now {
        context.store.release_due(now).await?;
        context.store.expire_queued(now).await?;
        return Ok(Duration::ZERO);
    }
    let pause = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
    // A moment later than due, so that one wake is enough.
    Ok((pause + Duration::from_millis(1)).min(limits::SERVICE_PERIOD))
}
