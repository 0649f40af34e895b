//! What was seen of an attempt and is not written yet: steps that follow each other at once are
//! written together.
//!
//! Nothing is done to a container whose attempt is not written, and none is started that is not known
//! by its handle. All that comes between is learnt again by whoever finds the container by its name.

use std::time::Duration;

use jiff::Timestamp;
use longshore_core::launch::Handle;
use longshore_core::limits::STEP_GRACE;
use longshore_core::outcome::Verdict;
use longshore_store::{ImageSeen, Untold};
use tokio::time::Instant;

/// Steps of one attempt, in their order.
#[derive(Default)]
pub(super) struct Unwritten {
    /// When the first of them was seen.
    since: Option<Instant>,
    pub(super) image: Option<ImageSeen>,
    pub(super) started: Option<(Handle, Timestamp)>,
    pub(super) exited: Option<(Handle, Verdict, Timestamp)>,
}

impl Unwritten {
    fn note(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// The image is on the host.
    pub(super) fn has_image(&mut self, image: ImageSeen) {
        self.note();
        self.image = Some(image);
    }

    /// The container runs.
    pub(super) fn has_started(&mut self, handle: Handle, at: Timestamp) {
        self.note();
        self.started = Some((handle, at));
    }

    /// The container has ended so.
    pub(super) fn has_exited(&mut self, handle: Handle, verdict: Verdict, at: Timestamp) {
        self.note();
        self.exited = Some((handle, verdict, at));
    }

    /// How long they may still wait; `None` if there are none.
    pub(super) fn patience(&self) -> Option<Duration> {
        let since = self.since?;
        Some(STEP_GRACE.saturating_sub(since.elapsed()))
    }

    /// All of them; none are left.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The image alone, to be told with its container.
    pub(super) fn take_image(&mut self) -> Option<ImageSeen> {
        let image = self.image.take();
        self.since = self.since.filter(|_| self.started.is_some());
        image
    }

    /// The run, to be told with its attempt's end; `None` if nothing of its end waits here.
    pub(super) fn take_run(&mut self) -> Option<Untold> {
        let (handle, _, exited_at) = self.exited.take()?;
        let started_at = self.started.take().map(|(_, at)| at);
        Some(Untold {
            handle,
            started_at,
            exited_at,
        })
    }
}
