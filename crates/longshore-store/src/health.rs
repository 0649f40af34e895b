//! How hosts stand towards the queue: breakers, canaries, looks, and what stands there.

use std::collections::HashMap;

use longshore_core::census::Census;
use longshore_core::health::{Breaker, Showing};
use longshore_core::{HostId, Timestamp};

use crate::error::StoreError;
use crate::rows::host_health::{self, HostStanding};
use crate::store::Store;

impl Store {
    /// How all hosts stand.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn host_standings(&self) -> Result<HashMap<HostId, HostStanding>, StoreError> {
        host_health::standings(&mut self.readers().acquire().await?).await
    }

    /// Moves a host's breaker by what was learnt about the host; answers with the breaker before and
    /// after. A host that was removed meanwhile has none.
    ///
    /// Guarantees: of several that learn something at one time, each moves what the one before left.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn host_showed(
        &self,
        host: HostId,
        showing: Showing,
        now: Timestamp,
    ) -> Result<Option<(Breaker, Breaker)>, StoreError> {
        self.write(move |db| {
            Box::pin(async move {
                let Some(before) = host_health::lock_breaker(db, host).await? else {
                    return Ok(None);
                };
                let after = before.clone().after(&showing, now);
                if after != before {
                    host_health::set_breaker(db, host, &after).await?;
                }
                Ok(Some((before, after)))
            })
        })
        .await
    }

    /// Whether a canary to this host is due; if so it is the caller's to send, and no other is due
    /// before `until`.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn take_canary(
        &self,
        host: HostId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |db| Box::pin(host_health::take_canary(db, host, now, until)))
            .await
    }

    /// Whether nobody has begun to look at this host since `before`; if so it is the caller's turn.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn take_look(
        &self,
        host: HostId,
        now: Timestamp,
        before: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |db| Box::pin(host_health::take_look(db, host, now, before)))
            .await
    }

    /// Keeps what stands on a host, in the place of what was kept before.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn save_census(
        &self,
        host: HostId,
        census: &Census,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let census = census.clone();
        self.write(move |db| {
            Box::pin(async move { host_health::save_census(db, host, &census, now).await })
        })
        .await
    }

    /// What stands on a host; `None` before anybody has looked.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn census(&self, host: HostId) -> Result<Option<Census>, StoreError> {
        host_health::census(&mut self.readers().acquire().await?, host).await
    }
}
