//! Jobs, a page at a time.

use futures::future::try_join_all;
use longshore_core::limits::{IMPORT_LOGS, LOG_LIMIT_BYTES};
use longshore_core::log::Frame;
use longshore_core::{AttemptId, Timestamp};
use longshore_store::{
    Imported, ImportedJob, ImportedState, LogError, LogWriter, Store, StoreError,
};

use super::{Doing, Import};
use crate::connection::Connection;
use crate::error::ImportError;
use crate::old::{OldJob, Read};
use crate::remarks::Remarks;
use crate::standing::Place;
use crate::wish::Around;
use crate::{old, output, standing, wish};

/// A job that is new here.
struct NewJob {
    job: ImportedJob,
    remarks: Remarks,
    /// The id as the old database has it, where there is a log to take.
    log: Option<String>,
}

impl Import<'_> {
    /// Takes the jobs of a page that are new here, logs first.
    pub(super) async fn take_jobs(
        &mut self,
        from: &mut Connection,
        rows: Vec<Read<OldJob>>,
    ) -> Result<(), ImportError> {
        let new = self.judge_page(rows).await?;
        let answers = match self.options.doing {
            Doing::Plan => vec![Imported::Added; new.len()],
            Doing::Apply => {
                self.write_logs(from, &new).await?;
                let jobs: Vec<ImportedJob> = new.iter().map(|new| new.job.clone()).collect();
                self.store.import(&jobs, self.options.now).await?
            }
        };
        for (new, answer) in new.into_iter().zip(answers) {
            match answer {
                Imported::Added => self.report.jobs.take(&new.job.id.to_string(), new.remarks),
                Imported::AlreadyThere => self.report.jobs.already_there += 1,
            }
        }
        Ok(())
    }

    /// The jobs of a page that are new here; the others are counted.
    async fn judge_page(&mut self, rows: Vec<Read<OldJob>>) -> Result<Vec<NewJob>, ImportError> {
        let mut new = Vec::with_capacity(rows.len());
        for row in rows {
            let old = match row {
                Ok(old) => old,
                Err(bad) => {
                    self.report.jobs.refuse(bad.id, bad.why);
                    continue;
                }
            };
            if self.is_here(&old).await? {
                self.report.jobs.already_there += 1;
                continue;
            }
            match self.judge(&old) {
                Ok(job) => new.push(job),
                Err(why) => self.report.jobs.refuse(old.id.to_string(), why),
            }
        }
        Ok(new)
    }

    async fn is_here(&self, old: &OldJob) -> Result<bool, ImportError> {
        match self.store.job(old.id).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn judge(&self, old: &OldJob) -> Result<NewJob, String> {
        let unknown = || Err("its host is not in the old database".to_owned());
        let host = self.hosts.get(&old.host).cloned().unwrap_or_else(unknown)?;
        let template = old.environment_template.as_ref();
        let around = Around {
            host: &host.name,
            template: template.and_then(|id| self.templates.get(id)),
            policy: &self.policy,
        };
        let place = Place {
            host: host.id,
            handle_of: self.options.handle_of,
        };
        let mut remarks = Remarks::default();
        let spec = wish::translate(old, &around, &mut remarks)?;
        let state = standing::translate(old, place, &mut remarks)?;
        let is_over = matches!(state, ImportedState::Final { .. });
        if old.has_log && !is_over {
            remarks.left_out("its log", "only that of a job that is over is taken");
        }
        Ok(NewJob {
            job: ImportedJob {
                id: old.id,
                spec,
                created_at: old.created_at,
                queued_at: old.queue.queued_at,
                not_before: old.queue.scheduled_for,
                state,
                message: old.queue.last_error.clone(),
                retries_used: retries_used(old),
            },
            remarks,
            log: (old.has_log && is_over).then(|| old.key.clone()),
        })
    }

    async fn write_logs(&self, from: &mut Connection, new: &[NewJob]) -> Result<(), ImportError> {
        let with_log = new.iter().filter_map(logged);
        let with_log: Vec<_> = with_log.collect();
        for some in with_log.chunks(IMPORT_LOGS) {
            let mut writing = Vec::with_capacity(some.len());
            for (key, attempt, (began_at, ended_at)) in some {
                let log = old::read_log(from, key).await?;
                let frames = output::frames(&log, *began_at, *ended_at);
                writing.push(write_log(self.store, *attempt, frames));
            }
            try_join_all(writing).await?;
        }
        Ok(())
    }
}

fn retries_used(old: &OldJob) -> u32 {
    let count = old.queue.retry_count.unwrap_or(0).max(0);
    u32::try_from(count).unwrap_or(u32::MAX)
}

type Logged<'a> = (&'a str, AttemptId, (Timestamp, Timestamp));

/// The log to take of a job: where it is, whose it becomes, and when its job began and ended.
fn logged(new: &NewJob) -> Option<Logged<'_>> {
    let ImportedState::Final {
        attempt: Some(attempt),
        finished_at,
        ..
    } = &new.job.state
    else {
        return None;
    };
    let began_at = attempt.started_at.unwrap_or(new.job.created_at);
    Some((new.log.as_deref()?, attempt.id, (began_at, *finished_at)))
}

/// Writes the whole log, in the place of what an import that was stopped may have left.
async fn write_log(store: &Store, attempt: AttemptId, frames: Vec<Frame>) -> Result<(), LogError> {
    store.logs().delete(attempt).await?;
    let mut log = LogWriter::open(store.logs(), attempt, LOG_LIMIT_BYTES).await?;
    for frame in frames {
        log.append(frame).await?;
    }
    log.finish().await.map(drop)
}
