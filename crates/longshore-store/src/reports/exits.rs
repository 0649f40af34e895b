//! The stages from a container's exit to its removal, but for the attempt's end.

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::launch::Handle;
use longshore_core::outcome::Verdict;
use longshore_core::{AttemptId, Timestamp};

use super::{Answers, News, Report, Reports, Stage, Waiting, judged};
use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::attempts::change::{self, Fenced};
use crate::rows::events::describe;

/// The container has ended so.
pub(crate) struct Exited {
    pub(crate) fenced: Fenced,
    pub(crate) handle: Handle,
    pub(crate) verdict: Verdict,
    pub(crate) now: Timestamp,
}

impl Report for Exited {
    type Answer = ();

    const STAGE: Stage = Stage::Exited;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.exited;

    fn attempt(&self) -> AttemptId {
        self.fenced.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<()>, StoreError> {
        let said = reports.iter().map(|report| {
            let handle = Some(&report.handle);
            (report.fenced, handle, &report.verdict, report.now)
        });
        let moved = change::exited(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        for report in reports {
            answers.push(if let Some(one) = moved.get(&report.fenced) {
                let detail = describe(report.verdict.outcome);
                news.tell(*one, EventKind::Exited, Some(detail), report.now);
                Ok(())
            } else {
                let known = change::known(db, report.fenced, Phase::Draining, &report.verdict);
                judged(known.await)?.map(|_| ())
            });
        }
        Ok(answers)
    }
}

/// The container of an ended attempt is gone.
pub(crate) struct Removed {
    pub(crate) attempt: AttemptId,
    pub(crate) now: Timestamp,
}

impl Report for Removed {
    type Answer = ();

    const STAGE: Stage = Stage::Removed;
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>> = |reports| &mut reports.removed;

    fn attempt(&self) -> AttemptId {
        self.attempt
    }

    async fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> Result<Answers<()>, StoreError> {
        let said = reports.iter().map(|report| (report.attempt, report.now));
        let moved = change::removed(db, said).await?;
        let mut answers = Vec::with_capacity(reports.len());
        for report in reports {
            answers.push(if let Some(one) = moved.get(&report.attempt) {
                news.tell(*one, EventKind::Removed, None, report.now);
                Ok(())
            } else {
                judged(change::is_removed(db, report.attempt).await)?
            });
        }
        Ok(answers)
    }
}
