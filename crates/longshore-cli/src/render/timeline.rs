//! A job's timeline in words.

use jiff::Timestamp;
use longshore_core::event::JobEvent;

use crate::render::spans;

/// One line: `+0.042s  attempt 1  started     on local`.
pub(crate) fn line(event: &JobEvent, start: Timestamp, scope: Scope) -> String {
    let attempt = event
        .attempt
        .map(|number| format!("attempt {number}"))
        .unwrap_or_default();
    let when = spans::offset(start, event.at);
    let words = event.kind.word().replace('_', " ");
    let line = match scope {
        Scope::OneJob => format!("{when:>12}  {attempt:<10}  {words:<16}  {}", event.detail),
        Scope::AllJobs => {
            let (job, at) = (
                event.job.short(),
                event.at.strftime("%Y-%m-%d %H:%M:%S%.3fZ"),
            );
            format!("{at}  {job}  {attempt:<10}  {words:<16}  {}", event.detail)
        }
    };
    line.trim_end().to_owned()
}

/// Whose events a timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One job's: times are relative to its first event.
    OneJob,
    /// Everybody's: times of day, and which job.
    AllJobs,
}
