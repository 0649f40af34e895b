//! Logs that several machines share: a mark in their folder shows that it is the same one everywhere.
//!
//! A folder that only one machine sees looks like any other one, and what is written there is lost
//! to all others. So the first process of a pool leaves a mark in it and its name in the database;
//! whoever comes later must find the mark.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::StoreError;
use crate::logs::LogError;
use crate::rows::settings;
use crate::store::Store;

impl Store {
    /// Makes sure that the logs are those of the pool's other processes.
    pub(crate) async fn share_logs(&self, folder: &Path) -> Result<(), StoreError> {
        let known = settings::get(&mut self.readers().acquire().await?, settings::LOGS).await?;
        let mark = match known {
            Some(mark) => mark,
            None => self.mark_logs(folder).await?,
        };
        let is_there = self.logs().has_mark(&mark).await;
        if is_there.map_err(|error| unusable(folder, error))? {
            return Ok(());
        }
        Err(StoreError::OtherLogs {
            folder: folder.to_owned(),
        })
    }

    /// Leaves a mark in the logs, and says which one counts: somebody may have been quicker.
    async fn mark_logs(&self, folder: &Path) -> Result<String, StoreError> {
        let mark = Uuid::new_v4().to_string();
        // In the folder first: who reads the name must find the mark.
        let marked = self.logs().put_mark(&mark).await;
        marked.map_err(|error| unusable(folder, error))?;
        self.write(|db| Box::pin(async move { settings::first(db, settings::LOGS, &mark).await }))
            .await
    }
}

fn unusable(folder: &Path, error: LogError) -> StoreError {
    StoreError::Folder {
        folder: folder.to_owned(),
        source: Arc::new(std::io::Error::other(error)),
    }
}
