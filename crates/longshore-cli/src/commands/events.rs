//! `events`: what happened, in order.

use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::event::{EventKind, JobEvent};
use longshore_store::{EventFilter, Store};

use crate::args::EventsArgs;
use crate::exit_code::{CANCELLED, SUCCESS};
use crate::failure::Failure;
use crate::render::timeline::{self, Scope};
use crate::render::views::{self, EventView};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: EventsArgs) -> Result<u8, Failure> {
    let job = match &args.job {
        Some(text) => Some(session.job(text).await?),
        None => None,
    };
    let mut timeline = Timeline {
        session,
        store: session.store().await?,
        job: job.as_ref().map(|job| job.id),
        start: job.as_ref().map(|job| job.created_at),
        after: 0,
    };
    if !args.follow {
        timeline.print_new().await?;
        return Ok(SUCCESS);
    }
    let mut interrupts = session.interrupts()?;
    tokio::select! {
        result = timeline.follow() => result.map(|()| SUCCESS),
        () = interrupts.next() => Ok(CANCELLED),
    }
}

struct Timeline<'s> {
    session: &'s Session,
    store: &'s Store,
    job: Option<JobId>,
    start: Option<Timestamp>,
    after: i64,
}

impl Timeline<'_> {
    /// Until the job is final and its container gone; for all jobs, for ever.
    async fn follow(&mut self) -> Result<(), Failure> {
        let mut changes = self.store.changes();
        loop {
            let last = self.print_new().await?;
            if self.job.is_some() && self.is_over(last).await? {
                return Ok(());
            }
            changes.changed().await;
        }
    }

    async fn is_over(&self, last: Option<EventKind>) -> Result<bool, Failure> {
        let Some(job) = self.job else {
            return Ok(false);
        };
        let attempts = self.store.attempts(job).await?;
        let is_final = self.session.job_by_id(job).await?.status.is_final();
        let is_removed = attempts.iter().all(|attempt| attempt.removed_at.is_some());
        Ok(last.is_none() && is_final && is_removed)
    }

    /// Prints all pages that are new; says what the last event was.
    async fn print_new(&mut self) -> Result<Option<EventKind>, Failure> {
        let mut last = None;
        loop {
            let filter = EventFilter {
                job: self.job,
                after: self.after,
                ..EventFilter::default()
            };
            let page = self.store.events(filter).await?;
            let Some(newest) = page.last() else {
                return Ok(last);
            };
            (self.after, last) = (newest.sequence, Some(newest.kind));
            for event in &page {
                self.print(event)?;
            }
        }
    }

    fn print(&self, event: &JobEvent) -> Result<(), Failure> {
        let line = if self.session.global.json {
            views::line(&EventView::new(event))
        } else {
            let scope = if self.job.is_some() {
                Scope::OneJob
            } else {
                Scope::AllJobs
            };
            timeline::line(event, self.start.unwrap_or(event.at), scope)
        };
        self.session.console.print(&line)?;
        Ok(())
    }
}
