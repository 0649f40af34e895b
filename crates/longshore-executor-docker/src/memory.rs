//! Whether an engine still is the one that it was, asked of its memory of events.
//!
//! An engine keeps its last 256 events in memory only. One that tells of a moment has lived since
//! then; this holds with live-restore, too, where nothing else of the API shows that it was restarted
//! (measured on 20.10.24). One that had more events since then is taken for a new one. Podman keeps
//! its events on disk, and reads its containers' output in a process of its own.

use jiff::Timestamp;
use longshore_executor::ExecutorError;
use serde::de::IgnoredAny;

use crate::client::{Call, Client};
use crate::lines::JsonLines;
use crate::observe;

const TRIED: &str = "ask for past events";

/// Whether nothing is remembered from before that moment, or from before the container's start: its
/// making at least should be. `false` when there is no such container, or it never ran.
pub(crate) async fn restarted_since(
    client: &Client,
    id: &str,
    since: Option<Timestamp>,
) -> Result<bool, ExecutorError> {
    let since = match since {
        Some(since) => Some(since),
        None => observe::inspect(client, id)
            .await?
            .and_then(|found| found.state.started_at()),
    };
    let Some(since) = since else {
        return Ok(false);
    };
    let path = format!(
        "/events?since=1&until={}.{:09}",
        since.as_second(),
        since.subsec_nanosecond()
    );
    let call = Call::get(path, client.deadlines().control, TRIED);
    let mut past = JsonLines::new(client.stream(call).await?);
    let first: Option<IgnoredAny> = past
        .next()
        .await
        .map_err(|why| ExecutorError::from(client.broken(TRIED, why)))?;
    Ok(first.is_none())
}
