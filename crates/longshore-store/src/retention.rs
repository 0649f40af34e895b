//! What is left to remove: containers of ended attempts, and old jobs.

use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::{AttemptId, Timestamp};

use crate::error::StoreError;
use crate::rows::jobs::due;
use crate::rows::{arrays, attempts};
use crate::store::Store;

impl Store {
    /// Ended attempts of workers whose containers may still be there, in the order of their ids, after a place.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn unremoved(
        &self,
        limit: u32,
        after: Option<AttemptId>,
    ) -> Result<Vec<AttemptRecord>, StoreError> {
        let mut reader = self.readers().acquire().await?;
        attempts::unremoved(&mut reader, Driver::Engine, limit, after).await
    }

    /// The same for attempts of jobs that their caller drives: it alone removes their containers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn unremoved_of_service(
        &self,
        limit: u32,
        after: Option<AttemptId>,
    ) -> Result<Vec<AttemptRecord>, StoreError> {
        let mut reader = self.readers().acquire().await?;
        attempts::unremoved(&mut reader, Driver::Service, limit, after).await
    }

    /// Deletes final jobs that ended before a time, with attempts and events; never one whose
    /// container may still be there. Answers with the attempts whose logs must go now.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn delete_finished(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<AttemptId>, StoreError> {
        self.write(move |db| {
            Box::pin(async move {
                let mut deleted = Vec::new();
                for job in due::finished(db, before, limit).await? {
                    deleted.extend(attempts::ids_of_job(db, job).await?);
                    due::delete(db, job).await?;
                }
                arrays::delete_empty(db).await?;
                Ok(deleted)
            })
        })
        .await
    }
}
