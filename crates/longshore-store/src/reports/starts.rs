//! The stages up to a running container.

use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::{AttemptId, JobId, Timestamp};

use super::{Answers, News, Report, Reports, Stage, Waiting, judged};
use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::change::{self, Fenced};
use crate::rows::jobs::change::{self as job_change, Try};

/// An image that was seen on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSeen {
    /// Which one it is, where that is known.
    pub digest: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The image is on the host.
pub(crate) struct ImageReady {
    pub(crate) fenced: Fenced,
    pub(crate) image: ImageSeen,
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
        let said = reports
            .iter()
            .map(|report| (report.fenced, report.image.at));
        let moved = change::images_ready(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        let mut digests = Digests::default();
        for report in reports {
            let one = moved.get(&report.fenced).copied();
            answers.push(one.map(|_| ()).ok_or_else(|| report.fenced.stale()));
            if let Some(one) = one {
                digests.seen(one, &report.image, news);
            }
        }
        digests.write(db).await?;
        Ok(answers)
    }
}

/// The images of jobs, as far as they are known exactly.
#[derive(Default)]
struct Digests<'r>(Vec<(JobId, &'r str)>);

impl<'r> Digests<'r> {
    fn seen(&mut self, one: Try, image: &'r ImageSeen, news: &mut News) {
        news.tell(one, EventKind::ImageReady, image.digest.clone(), image.at);
        let digest = image.digest.as_deref();
        self.0.extend(digest.map(|digest| (one.job, digest)));
    }

    async fn write(self, db: &mut Connection) -> Result<(), StoreError> {
        job_change::set_images(db, self.0.into_iter()).await
    }
}

/// The container exists.
pub(crate) struct Created {
    pub(crate) fenced: Fenced,
    /// Its image, if nobody has told of it before.
    pub(crate) image: Option<ImageSeen>,
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
        let said = reports.iter().map(|report| {
            let ready = report.image.as_ref().map(|image| image.at);
            (report.fenced, &report.handle, ready)
        });
        let moved = change::created(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        let mut digests = Digests::default();
        for report in reports {
            answers.push(if let Some(one) = moved.get(&report.fenced) {
                if let Some(image) = &report.image {
                    digests.seen(*one, image, news);
                }
                news.tell(*one, EventKind::Created, None, report.now);
                Ok(())
            } else {
                judged(change::is_created(db, report.fenced, &report.handle).await)?
            });
        }
        digests.write(db).await?;
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
