//! What is unknown because hosts do not answer, as it stands beside jobs and hosts.

use jiff::Timestamp;
use longshore_core::{HostId, JobId};
use longshore_store::Silence;

use crate::render::spans;

/// Attempts whose hosts do not answer, those that have waited longest first.
#[derive(Debug)]
pub(crate) struct Silences(Vec<Silence>);

impl Silences {
    pub(crate) fn new(silences: Vec<Silence>) -> Self {
        Self(silences)
    }

    /// Since when it is not known how a job stands.
    pub(crate) fn of_job(&self, job: JobId) -> Option<Timestamp> {
        let found = self.0.iter().find(|silence| silence.job == job);
        found.map(|silence| silence.since)
    }

    /// What is not known of a host.
    pub(crate) fn of_host(&self, host: HostId) -> Unknown {
        let found = || self.0.iter().filter(|silence| silence.host == host);
        Unknown {
            attempts: found().count(),
            since: found().next().map(|silence| silence.since),
        }
    }
}

/// Attempts on one host of which nobody knows how they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unknown {
    pub(crate) attempts: usize,
    /// Since when the first of them.
    pub(crate) since: Option<Timestamp>,
}

/// `unknown since 3m ago`.
pub(crate) fn unknown(since: Timestamp, now: Timestamp) -> String {
    format!("unknown since {}", spans::age(since, now))
}
