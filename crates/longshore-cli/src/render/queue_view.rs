//! Queues, as lines for people and as `--json` prints them.

use jiff::Timestamp;
use longshore_core::spec::QueueName;
use longshore_store::QueueStanding;
use serde::Serialize;

use crate::render::spans;
use crate::render::tables::{self, Look};
use crate::render::views::SCHEMA;

/// How a queue stands.
#[derive(Debug, Serialize)]
pub(crate) struct QueueView {
    schema: u32,
    name: String,
    waiting: u64,
    running: u32,
    oldest_wait: Option<Timestamp>,
    paused_since: Option<Timestamp>,
    pause_reason: Option<String>,
}

impl QueueView {
    pub(crate) fn new(name: &QueueName, queue: &QueueStanding) -> Self {
        let pause = queue.pause.as_ref();
        Self {
            schema: SCHEMA,
            name: name.to_string(),
            waiting: queue.waiting,
            running: queue.running,
            oldest_wait: queue.oldest,
            paused_since: pause.map(|pause| pause.since),
            pause_reason: pause.and_then(|pause| pause.reason.clone()),
        }
    }

    fn state(&self, now: Timestamp) -> String {
        let Some(since) = self.paused_since else {
            return "open".to_owned();
        };
        let age = spans::age(since, now);
        match &self.pause_reason {
            Some(reason) => format!("paused {age}: {reason}"),
            None => format!("paused {age}"),
        }
    }
}

/// All of them.
pub(crate) fn table(queues: &[QueueView], look: Look) -> String {
    let head = ["QUEUE", "WAITING", "RUNNING", "OLDEST WAIT", "STATE"];
    let rows = queues.iter().map(|queue| {
        let oldest = queue.oldest_wait.map(|at| spans::between(at, look.now));
        [
            queue.name.clone(),
            queue.waiting.to_string(),
            queue.running.to_string(),
            oldest.map(spans::duration).unwrap_or_default(),
            queue.state(look.now),
        ]
    });
    tables::plain(head, &rows.collect::<Vec<_>>(), look)
}
