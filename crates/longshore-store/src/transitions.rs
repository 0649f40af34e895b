//! What whoever leads an attempt reports about it, up to its container's end.
//!
//! Each report names the attempt and the fence; one that comes too late, from a worker that lost the
//! attempt or about a phase that is over, is refused as stale and changes nothing.

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::outcome::{Outcome, Verdict};
use longshore_core::{AttemptId, JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::change::{self, Fenced};
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change as job_change;
use crate::rows::jobs::change::Try;
use crate::store::Store;

impl Store {
    /// The image is being pulled.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn pulling(
        &self,
        fenced: Fenced,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.mention(fenced, EventKind::Pulling, detail, now).await
    }

    /// The container is being asked to stop.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn stopping(
        &self,
        fenced: Fenced,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.mention(fenced, EventKind::Stopping, why, now).await
    }

    /// The image is on the host. The first digest that is reported is kept for all attempts.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn image_ready(
        &self,
        fenced: Fenced,
        digest: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let digest = digest.map(str::to_owned);
        self.report(move |db| {
            Box::pin(async move {
                let one = change::image_ready(db, fenced, now).await?;
                if let Some(digest) = &digest {
                    job_change::set_image(db, one.job, digest).await?;
                }
                tell(
                    db,
                    one,
                    EventKind::ImageReady,
                    digest.unwrap_or_default(),
                    now,
                )
                .await
            })
        })
        .await
    }

    /// The container exists. Said again, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn created(
        &self,
        fenced: Fenced,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let handle = handle.clone();
        self.report(move |db| {
            Box::pin(async move {
                if change::is_created(db, fenced, &handle).await? {
                    return Ok(());
                }
                let one = change::created(db, fenced, &handle).await?;
                tell(db, one, EventKind::Created, String::new(), now).await
            })
        })
        .await
    }

    /// The container runs: attempt and job are running from now on. Said again, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn started(
        &self,
        fenced: Fenced,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let handle = handle.clone();
        self.report(move |db| {
            Box::pin(async move {
                if change::is_running(db, fenced).await? {
                    return Ok(());
                }
                let one = change::started(db, fenced, &handle, now).await?;
                if !job_change::run(db, one, now).await? {
                    return Err(StoreError::Stale {
                        attempt: fenced.attempt,
                    });
                }
                tell(db, one, EventKind::Started, String::new(), now).await
            })
        })
        .await
    }

    /// The container has ended so. Its slot is free; the job waits for the rest of the log. Said
    /// again with the same verdict, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn exited(
        &self,
        fenced: Fenced,
        handle: &Handle,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (handle, verdict) = (handle.clone(), verdict.clone());
        self.report(move |db| {
            Box::pin(async move {
                let exited = change::exited(db, fenced, &handle, &verdict, now).await;
                if let Err(StoreError::Stale { .. }) = exited {
                    let known = change::known(db, fenced, Phase::Draining, &verdict).await;
                    return known.map(|_| ());
                }
                tell(
                    db,
                    exited?,
                    EventKind::Exited,
                    describe(verdict.outcome),
                    now,
                )
                .await
            })
        })
        .await
    }

    /// The host does not answer since then, or (`None`) answers again.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn unknown_since(
        &self,
        fenced: Fenced,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let kind = match since {
            Some(_) => EventKind::HostUnreachable,
            None => EventKind::HostReachable,
        };
        self.report(move |db| {
            Box::pin(async move {
                change::look(db, fenced).await?;
                let Some(one) = change::set_unknown(db, fenced, since).await? else {
                    return Ok(());
                };
                tell(db, one, kind, String::new(), now).await
            })
        })
        .await
    }

    /// The container of an ended attempt is gone. Said again, it changes nothing.
    ///
    /// # Errors
    /// The attempt is not over, or the store is busy, full or damaged.
    pub async fn removed(&self, attempt: AttemptId, now: Timestamp) -> Result<(), StoreError> {
        self.report(move |db| {
            Box::pin(async move {
                if let Some(one) = change::removed(db, attempt, now).await? {
                    return tell(db, one, EventKind::Removed, String::new(), now).await;
                }
                match crate::rows::attempts::get(db, attempt).await? {
                    Some(record) if record.removed_at.is_none() => {
                        Err(StoreError::Stale { attempt })
                    }
                    Some(_) | None => Ok(()),
                }
            })
        })
        .await
    }

    /// Adds a line to a job's timeline.
    ///
    /// # Errors
    /// There is no such job, or the store is busy, full or damaged.
    pub async fn note(
        &self,
        job: JobId,
        attempt: Option<u32>,
        (kind, detail): (EventKind, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            job,
            attempt,
            at: now,
            kind,
            detail: detail.to_owned(),
        };
        self.write(move |db| {
            Box::pin(async move {
                job_change::status(db, job).await?;
                events::insert(db, event).await
            })
        })
        .await
    }

    /// Adds a line about an attempt that the reporter leads.
    async fn mention(
        &self,
        fenced: Fenced,
        kind: EventKind,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let detail = detail.to_owned();
        self.report(move |db| {
            Box::pin(async move {
                let one = change::look(db, fenced).await?;
                tell(db, one, kind, detail, now).await
            })
        })
        .await
    }
}

pub(crate) async fn tell(
    db: &mut Connection,
    one: Try,
    kind: EventKind,
    detail: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let event = NewEvent::of_job(one.job, kind, now)
        .in_attempt(one.number)
        .with(detail);
    events::insert(db, event).await
}

/// Status and reason, as a timeline shows them.
pub(crate) fn describe(outcome: Outcome) -> String {
    format!("{} {outcome}", outcome.status())
        .trim_end()
        .to_owned()
}
