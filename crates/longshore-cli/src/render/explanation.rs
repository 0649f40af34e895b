//! Why a job is where it is: as lines for people, and as `--json` prints it.

use jiff::Timestamp;
use longshore_core::JobId;
use serde::Serialize;

use crate::render::spans;

/// Why a job is where it is.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    pub(crate) schema: u32,
    pub(crate) id: JobId,
    pub(crate) status: &'static str,
    #[serde(skip)]
    pub(crate) title: String,
    /// Reasons beside those of the hosts.
    pub(crate) why: Vec<String>,
    /// When it goes on by itself, where that is known.
    pub(crate) until: Option<Timestamp>,
    pub(crate) queue: Option<QueuePlace>,
    /// What each host says to it.
    pub(crate) hosts: Vec<HostLine>,
    /// What would let it start.
    pub(crate) changes: Vec<String>,
}

/// Where a job is in the queue.
#[derive(Debug, Serialize)]
pub(crate) struct QueuePlace {
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) ahead: u64,
    pub(crate) expected_start: Option<Timestamp>,
    /// Runs of the past that the guess is made from.
    pub(crate) past_runs: usize,
}

/// What a host says to a job.
#[derive(Debug, Serialize)]
pub(crate) struct HostLine {
    pub(crate) host: String,
    pub(crate) takes_it: bool,
    pub(crate) text: String,
    pub(crate) fix: Option<String>,
}

impl Explanation {
    /// The lines for people.
    pub(crate) fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = vec![self.title.clone()];
        let queue = self.queue.iter();
        lines.extend(queue.flat_map(|place| place.lines(now)));
        lines.extend(self.why.iter().map(|why| format!("  {why}")));
        let hosts = self.hosts.iter();
        lines.extend(hosts.map(|line| format!("  {}: {}", line.host, line.text)));
        lines.extend(self.changes.iter().map(|change| format!("  fix: {change}")));
        lines
    }
}

impl QueuePlace {
    fn lines(&self, now: Timestamp) -> Vec<String> {
        let since = self
            .queued_at
            .map(|at| format!("queued {}, ", spans::age(at, now)))
            .unwrap_or_default();
        let jobs = if self.ahead == 1 { "job" } else { "jobs" };
        let start = match self.expected_start {
            Some(at) if at <= now => "now".to_owned(),
            Some(at) => format!(
                "in about {}, as {} runs of the past tell",
                spans::duration(spans::between(now, at)),
                self.past_runs
            ),
            None => "unknown".to_owned(),
        };
        vec![
            format!("  {since}{} {jobs} ahead", self.ahead),
            format!("  expected start: {start}"),
        ]
    }
}
