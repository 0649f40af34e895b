//! The pace of pulls at registries that limit them, kept by all workers of the pool together.

use longshore_core::Timestamp;
use longshore_core::pace::{Answer, Pace, Turn};

use crate::error::StoreError;
use crate::rows::registry_paces;
use crate::store::Store;

impl Store {
    /// The pace at a registry; `None` when it limits nothing, as far as anybody knows.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pace(&self, registry: &str, now: Timestamp) -> Result<Option<Pace>, StoreError> {
        let pace = registry_paces::get(&mut self.readers().acquire().await?, registry).await?;
        Ok(pace.filter(|pace| !pace.is_forgotten(now)))
    }

    /// The registries that limit pulls, by name; of very many only some.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn paces(&self, now: Timestamp) -> Result<Vec<(String, Pace)>, StoreError> {
        let mut paces = registry_paces::list(&mut self.readers().acquire().await?).await?;
        paces.retain(|(_, pace)| !pace.is_forgotten(now));
        Ok(paces)
    }

    /// Whether a pull from this registry may begin; if so it is the caller's to make.
    ///
    /// Guarantees: of several that ask at one time, one is let through in each interval.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn take_turn(&self, registry: &str, now: Timestamp) -> Result<Turn, StoreError> {
        if self.pace(registry, now).await?.is_none() {
            return Ok(Turn::Now);
        }
        let registry = registry.to_owned();
        self.write(move |db| {
            Box::pin(async move {
                let Some(pace) = registry_paces::lock(db, &registry).await? else {
                    return Ok(Turn::Now);
                };
                let (turn, after) = pace.take(now);
                if after != pace {
                    registry_paces::save(db, &registry, Some(after)).await?;
                }
                Ok(turn)
            })
        })
        .await
    }

    /// Notes how a registry answered a pull that began then; answers with the pace from now on.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn registry_answered(
        &self,
        registry: &str,
        answer: Answer,
        began_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Pace>, StoreError> {
        if answer == Answer::Served && self.pace(registry, now).await?.is_none() {
            return Ok(None);
        }
        let registry = registry.to_owned();
        self.write(move |db| {
            Box::pin(async move {
                let before = registry_paces::lock(db, &registry).await?;
                let known = before.filter(|pace| !pace.is_forgotten(now));
                let after = Pace::after(known, answer, began_at, now);
                if after != before {
                    registry_paces::save(db, &registry, after).await?;
                }
                Ok(after)
            })
        })
        .await
    }
}
