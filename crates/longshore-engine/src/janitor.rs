//! Forgets finished jobs after the time that the pool keeps them: the rows, then the logs.

use std::sync::Arc;

use longshore_core::limits;
use longshore_store::StoreError;

use crate::context::Context;

/// Runs until the worker closes.
pub(crate) async fn run(context: Arc<Context>) {
    loop {
        if let Err(error) = run_once(&context).await {
            tracing::error!(error = %error, "old jobs cannot be forgotten; trying again");
        }
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = tokio::time::sleep(limits::SERVICE_PERIOD) => {}
        }
    }
}

/// One page of old jobs. Never one whose container may still be there: the store sees to that.
async fn run_once(context: &Context) -> Result<(), StoreError> {
    let Some(keep) = context.store.policy().await?.keep_finished else {
        return Ok(());
    };
    let before = context.now() - keep.duration();
    for attempt in context.store.delete_finished(before, limits::PAGE).await? {
        if let Err(error) = context.store.logs().delete(attempt).await {
            tracing::warn!(attempt.id = %attempt, error = %error, "an old log stays behind");
        }
    }
    Ok(())
}
