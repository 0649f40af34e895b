//! The stages up to a running container.

use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::{AttemptId, Timestamp};

use super::{Answers, News, Report, Reports, Stage, Waiting, judged};
use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::change::{self, Fenced};
use crate::rows::jobs::change as job_change;

/// The image is on the host.
pub(crate) struct ImageReady {
    pub(crate) fenced: Fenced,
    pub(crate) digest: Option<String>,
    pub(crate) now: Timestamp,
}

impl Report for ImageReady {
    type Answer = ();

    const STAGE: Stage = Stage::ImageReady;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.images_ready;

    fn attempt(&self) -> AttemptId {
        self.fenced.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<()>, StoreError> {
        let said = reports.iter().map(|report| (report.fenced, report.now));
        let moved = change::images_ready(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        let mut digests = Vec::new();
        for report in reports {
            let one = moved.get(&report.fenced).copied();
            answers.push(one.map(|_| ()).ok_or_else(|| report.fenced.stale()));
            let Some(one) = one else { continue };
            news.tell(
                one,
                EventKind::ImageReady,
                report.digest.clone(),
                report.now,
            );
            digests.extend(report.digest.as_deref().map(|digest| (one.job, digest)));
        }
        job_change::set_images(db, digests.into_iter()).await?;
        Ok(answers)
    }
}

/// The container exists.
pub(crate) struct Created {
    pub(crate) fenced: Fenced,
    pub(crate) handle: Handle,
    pub(crate) now: Timestamp,
}

impl Report for Created {
    type Answer = ();

    const STAGE: Stage = Stage::Created;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.created;

    fn attempt(&self) -> AttemptId {
        self.fenced.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<()>, StoreError> {
        let said = reports.iter().map(|report| (report.fenced, &report.handle));
        let moved = change::created(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        for report in reports {
            answers.push(if let Some(one) = moved.get(&report.fenced) {
                news.tell(*one, EventKind::Created, None, report.now);
                Ok(())
            } else {
                judged(change::is_created(db, report.fenced, &report.handle).await)?
            });
        }
        Ok(answers)
    }
}

/// The container runs.
pub(crate) struct Started {
    pub(crate) fenced: Fenced,
    pub(crate) handle: Handle,
    pub(crate) now: Timestamp,
}

impl Report for Started {
    type Answer = ();

    const STAGE: Stage = Stage::Started;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.started;

    fn attempt(&self) -> AttemptId {
        self.fenced.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<()>, StoreError> {
        let said = reports
            .iter()
            .map(|report| (report.fenced, &report.handle, report.now));
        let moved = change::started(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        let mut running = Vec::with_capacity(moved.len());
        for report in reports {
            answers.push(if let Some(one) = moved.get(&report.fenced) {
                news.tell(*one, EventKind::Started, None, report.now);
                running.push((*one, report.now));
                Ok(())
            } else {
                judged(change::is_running(db, report.fenced).await)?
            });
        }
        job_change::run(db, running.into_iter()).await?;
        Ok(answers)
    }
}
