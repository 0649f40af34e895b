//! Releases what is due: retries and delayed jobs; fires schedules; gives up what has waited too long.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::{JobId, Timestamp, limits};
use longshore_store::StoreError;
use uuid::Uuid;

use crate::context::Context;
use crate::news::News;

/// Runs until the worker closes.
pub(crate) async fn run(context: Arc<Context>) {
    let mut news = News::of(&context.store);
    let mut seen = None;
    loop {
        let pause = match run_once(&context, &mut seen).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(error = %error, "due jobs cannot be released; trying again");
                limits::SERVICE_PERIOD
            }
        };
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = news.now_and_then() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One round; says when the next is due.
async fn run_once(context: &Context, seen: &mut Option<Timestamp>) -> Result<Duration, StoreError> {
    let now = context.now();
    if has_jumped_back(seen, now) && fires(context) {
        context.store.rewind_schedules(now).await?;
    }
    // Looks before it writes: a write wakes everybody, also this service.
    let (jobs, schedules) = (context.store.next_due().await?, next_firing(context).await?);
    let Some(due) = jobs.into_iter().chain(schedules).min() else {
        return Ok(limits::SERVICE_PERIOD);
    };
    if due <= now {
        context.store.release_due(now).await?;
        context.store.expire_queued(now).await?;
        if schedules.is_some_and(|due| due <= now) {
            context.store.fire_due(now, fresh_id).await?;
        }
        return Ok(Duration::ZERO);
    }
    let pause = Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO);
    // A moment later than due, so that one wake is enough.
    Ok((pause + Duration::from_millis(1)).min(limits::SERVICE_PERIOD))
}

/// Whether this worker fires schedules: one that is there for a single job would leave what it fired
/// to nobody.
fn fires(context: &Context) -> bool {
    context.options.only_job.is_none()
}

async fn next_firing(context: &Context) -> Result<Option<Timestamp>, StoreError> {
    if !fires(context) {
        return Ok(None);
    }
    context.store.next_firing().await
}

/// Whether the clock went back since it was last seen; at the first look nobody knows, so it may have.
fn has_jumped_back(seen: &mut Option<Timestamp>, now: Timestamp) -> bool {
    let before = seen.replace(now);
    before.is_none_or(|before| now + limits::SCHEDULE_LATE < before)
}

fn fresh_id() -> JobId {
    JobId::new(Uuid::now_v7())
}
