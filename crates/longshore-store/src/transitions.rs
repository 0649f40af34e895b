//! What whoever leads an attempt reports about it.
//!
//! Each report names the attempt and the fence; one that comes too late, from a worker that lost the
//! attempt or about a phase that is over, is refused as stale and changes nothing.

use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::outcome::{JobStatus, Verdict};
use longshore_core::{AttemptId, JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::reports::{
    Created, End, Ended, Exited, ImageReady, ImageSeen, Removed, Started, Untold,
};
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
        let (digest, at) = (digest.map(str::to_owned), now);
        let image = ImageSeen { digest, at };
        self.hand_in(ImageReady { fenced, image }).await
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
        self.created_from(fenced, None, handle, now).await
    }

    /// The container exists, and its image, if one is given, was ready before: both are told at once.
    /// Said again, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn created_from(
        &self,
        fenced: Fenced,
        image: Option<ImageSeen>,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let handle = handle.clone();
        self.hand_in(Created {
            fenced,
            image,
            handle,
            now,
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
        self.hand_in(Started {
            fenced,
            handle,
            now,
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
        self.hand_in(Exited {
            fenced,
            handle,
            verdict,
            now,
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

    /// Ends an attempt and moves its job: to `retrying` if another try follows and nobody wishes the
    /// job cancelled, else to the final status. A job that its caller drives is always final then:
    /// its caller tries again, or does not. Answers with the job's status. Said again with the same
    /// verdict, it changes nothing.
    ///
    /// # Errors
    /// The report is stale, or the store is busy, full or damaged.
    pub async fn end(&self, fenced: Fenced, end: End) -> Result<JobStatus, StoreError> {
        self.end_run(fenced, None, end).await
    }

    /// The same, with what of the container's run was not told before.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub async fn end_run(
        &self,
        fenced: Fenced,
        untold: Option<Untold>,
        end: End,
    ) -> Result<JobStatus, StoreError> {
        self.hand_in(Ended {
            fenced,
            untold,
            end,
        })
        .await
    }

    /// The container of an ended attempt is gone. Said again, it changes nothing.
    ///
    /// # Errors
    /// The attempt is not over, or the store is busy, full or damaged.
    pub async fn removed(&self, attempt: AttemptId, now: Timestamp) -> Result<(), StoreError> {
        self.hand_in(Removed { attempt, now }).await
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
