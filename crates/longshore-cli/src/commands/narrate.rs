//! What happens to a job before, between and after its output, told on standard error.
//!
//! On a terminal one line is rewritten; elsewhere only what takes long or is unusual has a line.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use longshore_core::JobId;
use longshore_core::event::{EventKind, JobEvent};
use longshore_core::image::PullProgress;
use longshore_core::limits::PAGE;
use longshore_core::outcome::JobStatus;
use longshore_store::{EventFilter, Store};

use crate::failure::Failure;
use crate::render::spans;
use crate::session::Session;

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Tells one job's story.
pub(super) struct Narrator<'s> {
    session: &'s Session,
    bar: ProgressBar,
    /// The container's output has begun: the line must not be drawn into it.
    gave_way: AtomicBool,
}

impl<'s> Narrator<'s> {
    pub(super) fn new(session: &'s Session) -> Self {
        let bar = session.console.live_bar();
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if session.console.is_live() {
            bar.enable_steady_tick(TICK);
        }
        Self {
            session,
            bar,
            gave_way: AtomicBool::new(false),
        }
    }

    /// Makes room for the container's output, for good.
    pub(super) fn give_way(&self) {
        if !self.gave_way.swap(true, Ordering::Relaxed) {
            self.bar.finish_and_clear();
        }
    }

    /// The line that is drawn; pulls in this process write into it.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Tells events until dropped, or until the store fails.
    pub(super) async fn tell(&self, job: JobId) -> Result<Infallible, Failure> {
        let store = self.session.store().await?;
        let mut changes = store.changes();
        let mut after = 0;
        loop {
            let filter = EventFilter {
                job: Some(job),
                after,
                limit: PAGE,
            };
            let events = store.events(filter).await?;
            for event in &events {
                after = event.sequence;
                self.tell_one(store, event).await?;
            }
            if events.is_empty() {
                changes.changed().await;
            }
        }
    }

    async fn tell_one(&self, store: &Store, event: &JobEvent) -> Result<(), Failure> {
        match told(event.kind) {
            Told::Live(words) => {
                let waits = event.kind == EventKind::Queued;
                let place = if waits {
                    queue_place(store, event.job).await?
                } else {
                    String::new()
                };
                self.bar
                    .set_message(format!("{words} {}{place}", event.detail));
            }
            Told::Line(words) => self.line(&format!("{words} {}", event.detail)),
            Told::Silent => {}
        }
        Ok(())
    }

    /// Says something in a line of its own.
    pub(super) fn line(&self, text: &str) {
        let text = format!("longshore: {}", text.trim_end());
        let line = self.session.console.dim(&text);
        self.bar.suspend(|| self.session.console.say(&line));
        self.bar.set_message(text);
    }
}

/// How an event is told.
enum Told {
    /// In the line that is rewritten.
    Live(&'static str),
    /// In a line of its own.
    Line(&'static str),
    /// Not at all: the output or the end tells it.
    Silent,
}

fn told(kind: EventKind) -> Told {
    match kind {
        EventKind::Queued => Told::Live("queued"),
        EventKind::Claimed => Told::Live("launching"),
        EventKind::ImageReady => Told::Live("image is there"),
        EventKind::Created | EventKind::Launching => Told::Live("starting"),
        EventKind::Started => Told::Live("running"),
        EventKind::Stopping => Told::Live("stopping"),
        EventKind::Exited => Told::Live("exited"),
        EventKind::Pulling => Told::Line("pulling"),
        EventKind::HostUnreachable => Told::Line("the host does not answer; waiting for it"),
        EventKind::HostReachable => Told::Line("the host answers again"),
        EventKind::Adopted => Told::Line("another worker took over"),
        EventKind::CancelRequested => Told::Line("cancel requested"),
        EventKind::RetryScheduled => Told::Line("another attempt follows"),
        EventKind::Submitted
        | EventKind::Scheduled
        | EventKind::LogComplete
        | EventKind::AttemptEnded
        | EventKind::Finished
        | EventKind::Removed
        | EventKind::RetryRequested
        | EventKind::Imported => Told::Silent,
    }
}

/// How many jobs of the queue are before this one, where there are any.
async fn queue_place(store: &Store, id: JobId) -> Result<String, Failure> {
    let job = store.job(id).await?;
    if job.status != JobStatus::Queued {
        return Ok(String::new());
    }
    Ok(match store.ahead_of(&job).await? {
        0 => String::new(),
        ahead => format!("({ahead} ahead)"),
    })
}

/// A pull in one line: `27 layers, 0.3 GiB of 1.2 GiB`.
pub(super) fn pull_text(progress: &PullProgress) -> String {
    let layers = progress.layers.len();
    let current: u64 = progress
        .layers
        .iter()
        .map(|layer| layer.current_bytes)
        .sum();
    let total: u64 = progress
        .layers
        .iter()
        .filter_map(|layer| layer.total_bytes)
        .sum();
    if total == 0 {
        return format!("{layers} layers");
    }
    format!(
        "{layers} layers, {} of {}",
        spans::size(current),
        spans::size(total)
    )
}
