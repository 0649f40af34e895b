//! What an engine remembers: whether it still is the one that it was, signals that it sent, and
//! containers that ran out of memory.
//!
//! An engine keeps its last 256 events in memory only. One that tells of a moment has lived since
//! then; this holds with live-restore, too, where nothing else of the API shows that it was restarted
//! (measured on 20.10.24). One that had more events since then is taken for a new one. Podman keeps
//! its events on disk, and reads its containers' output in a process of its own.

use jiff::{SignedDuration, Timestamp};
use longshore_core::attempt::Observed;
use longshore_executor::ExecutorError;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::lines::JsonLines;
use crate::observe;

/// An engine tells of a signal a moment after it has sent it, when the container may be gone already.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_millis(200);

/// An engine hears of a lack of memory from somebody else than of the end that it brings, and may hear
/// of the end first; the container's record then never says why it ended. Measured on 20.10.24 with
/// twelve such ends at a time: of 300 the record of 9 says nothing, 4 of these had the event 20 to 42 ms
/// after the end, 5 had none.
const OUT_OF_MEMORY_WITHIN: SignedDuration = SignedDuration::from_millis(100);

const TRIED: &str = "ask for past events";

/// Whether nothing is remembered from before that moment, or from before the container's start: its
/// making at least should be. Of one without a start its making itself. `false` when there is no such
/// container.
pub(crate) async fn restarted_since(
    client: &Client,
    id: &str,
    since: Option<Timestamp>,
) -> Result<bool, ExecutorError> {
    if let Some(since) = since {
        return Ok(!remembers(client, since, None).await?);
    }
    let Some(found) = observe::inspect(client, id).await? else {
        return Ok(false);
    };
    if let Some(started_at) = found.state.started_at() {
        return Ok(!remembers(client, started_at, None).await?);
    }
    let made = json!({ "type": ["container"], "container": [id], "event": ["create"] });
    let until = Timestamp::now() + TOLD_WITHIN;
    Ok(!remembers(client, until, Some(&made)).await?)
}

/// Whether a signal to the container is remembered.
pub(crate) async fn was_signalled(
    client: &Client,
    id: &str,
    until: Timestamp,
) -> Result<bool, ExecutorError> {
    let kills = json!({ "type": ["container"], "container": [id], "event": ["kill"] });
    remembers(client, until + TOLD_WITHIN, Some(&kills)).await
}

/// How a container stands, with a lack of memory that its record does not tell of. For that an end with
/// a kill is held until the engine must have heard of it, should it ever do.
pub(crate) async fn observe(client: &Client, id: &str) -> Result<Observed, ExecutorError> {
    let Some(found) = observe::inspect(client, id).await? else {
        return Ok(Observed::Absent);
    };
    let mut observed = found.state.observed();
    if let Observed::Exited(exit) = &mut observed
        && let Some(ended) = exit.finished_at
        && found.may_have_lacked_memory()
    {
        let lacks = json!({ "type": ["container"], "container": [id], "event": ["oom"] });
        let until = ended + OUT_OF_MEMORY_WITHIN;
        exit.oom_killed = remembers(client, until, Some(&lacks)).await?;
    }
    Ok(observed)
}

/// Whether anything is remembered up to this moment.
async fn remembers(
    client: &Client,
    until: Timestamp,
    filters: Option<&Value>,
) -> Result<bool, ExecutorError> {
    let path = past_events(until, filters);
    let call = Call::get(path, client.deadlines().control, TRIED);
    let mut past = JsonLines::new(client.stream(call).await?);
    let first: Option<IgnoredAny> = past
        .next()
        .await
        .map_err(|why| ExecutorError::from(client.broken(TRIED, why)))?;
    Ok(first.is_some())
}

fn past_events(until: Timestamp, filters: Option<&Value>) -> String {
    let until = format!("{}.{:09}", until.as_second(), until.subsec_nanosecond());
    let mut query = Serializer::new(String::new());
    query.append_pair("since", "1").append_pair("until", &until);
    if let Some(filters) = filters {
        query.append_pair("filters", &filters.to_string());
    }
    format!("/events?{}", query.finish())
}
