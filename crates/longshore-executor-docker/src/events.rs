//! What happens to the containers of a pool, as one stream a host.
//!
//! An engine waits up to 100 ms for a reader that does not keep up, with each event, and then
//! drops it: so a task does nothing but read. When its own reader does not keep up, the stream
//! ends with an error, and the caller looks at everything.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_POOL};
use longshore_core::limits::EVENT_QUEUE;
use longshore_core::{AttemptId, PoolId};
use longshore_executor::{ExecutorError, HostEvent};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use url::form_urlencoded::Serializer;

use crate::client::{Call, Client};
use crate::lines::JsonLines;

const TRIED: &str = "follow the events";

/// All events of the pool from now on.
pub(crate) async fn events(
    client: &Arc<Client>,
    pool: PoolId,
) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError> {
    let filters = json!({
        "type": ["container"],
        "label": [format!("{LABEL_POOL}={pool}")],
        // Podman calls `remove` what Docker calls `destroy`.
        "event": ["die", "kill", "destroy", "remove"],
    });
    let query = Serializer::new(String::new())
        .append_pair("filters", &filters.to_string())
        .finish();
    let call = Call::get(
        format!("/events?{query}"),
        client.deadlines().control,
        TRIED,
    );
    let lines = JsonLines::new(client.stream(call).await?);
    let (sender, receiver) = mpsc::channel(EVENT_QUEUE);
    let task = read(Arc::clone(client), lines, sender);
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with its stream; nothing waits for it"
    )]
    let reader = Reader {
        receiver,
        task: Some(tokio::spawn(task)),
    };
    Ok(stream::unfold(reader, Reader::next).boxed())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    actor: Actor,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Actor {
    #[serde(default)]
    attributes: HashMap<String, String>,
}

impl Event {
    fn read(&self) -> Option<HostEvent> {
        let attribute = |key: &str| self.actor.attributes.get(key);
        let attempt: AttemptId = attribute(LABEL_ATTEMPT)?.parse().ok()?;
        match self.action.as_str() {
            "die" => Some(HostEvent::Exited(attempt)),
            "kill" => Some(HostEvent::Signalled(
                attempt,
                attribute("signal")?.parse().ok()?,
            )),
            "destroy" | "remove" => Some(HostEvent::Removed(attempt)),
            _ => None,
        }
    }
}

/// Reads until the connection or the reader gives up, and says why.
async fn read(
    client: Arc<Client>,
    mut lines: JsonLines,
    sender: Sender<HostEvent>,
) -> ExecutorError {
    let why = loop {
        let event = match lines.next::<Event>().await {
            Ok(Some(event)) => event,
            Ok(None) => break "the engine ended the stream".to_owned(),
            Err(why) => break why,
        };
        let Some(event) = event.read() else {
            continue;
        };
        if sender.try_send(event).is_err() {
            break format!("{EVENT_QUEUE} events were not taken in time");
        }
    };
    client.broken(TRIED, why).into()
}

struct Reader {
    receiver: Receiver<HostEvent>,
    task: Option<JoinHandle<ExecutorError>>,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<HostEvent, ExecutorError>, Self)> {
        if let Some(event) = self.receiver.recv().await {
            return Some((Ok(event), self));
        }
        let why = self.task.take()?.await.ok()?;
        Some((Err(why), self))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
