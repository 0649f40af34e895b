//! Logs that several machines share: a mark in their place shows that it is the same one everywhere.
//!
//! A folder that only one machine sees looks like any other one, and what is written there is lost
//! to all others. So the first process of a pool leaves a mark in it and its name in the database;
//! whoever comes later must find the mark.

use uuid::Uuid;

use crate::error::StoreError;
use crate::log_place::LogPlace;
use crate::logs::LogError;
use crate::rows::settings;
use crate::store::Store;

impl Store {
    /// Makes sure that the logs are those of the pool's other processes.
    pub(crate) async fn share_logs(&self, place: &LogPlace) -> Result<(), StoreError> {
        let known = settings::get(&mut self.readers().acquire().await?, settings::LOGS).await?;
        let mark = match known {
            Some(mark) => mark,
            None => self.mark_logs(place).await?,
        };
        let is_there = self.logs().has_mark(&mark).await;
        if is_there.map_err(|source| unusable(place, source))? {
            return Ok(());
        }
        Err(StoreError::OtherLogs {
            place: place.clone(),
        })
    }

    /// Leaves a mark in the logs, and says which one counts: somebody may have been quicker.
    async fn mark_logs(&self, place: &LogPlace) -> Result<String, StoreError> {
        let mark = Uuid::new_v4().to_string();
        // In the place first: who reads the name must find the mark.
        let marked = self.logs().put_mark(&mark).await;
        marked.map_err(|source| unusable(place, source))?;
        self.write(|db| Box::pin(async move { settings::first(db, settings::LOGS, &mark).await }))
            .await
    }
}

fn unusable(place: &LogPlace, source: LogError) -> StoreError {
    StoreError::Logs {
        place: place.clone(),
        source,
    }
}
