//! Hosts: registering them, and what their probes found.

use longshore_core::host::{Host, HostFacts};
use longshore_core::{HostId, Timestamp};

use crate::error::StoreError;
use crate::rows::attempts;
use crate::rows::hosts::{self, HostReport};
use crate::store::Store;

impl Store {
    /// Registers a host.
    ///
    /// # Errors
    /// Its name or id is taken, or the store is busy, full or damaged.
    pub async fn add_host(&self, host: &Host) -> Result<(), StoreError> {
        let host = host.clone();
        self.write(move |db| {
            Box::pin(async move {
                if hosts::insert(db, &host).await? {
                    return Ok(());
                }
                Err(StoreError::NameTaken {
                    what: "host",
                    name: host.name,
                })
            })
        })
        .await
    }

    /// All hosts, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        hosts::list(&mut self.readers().acquire().await?).await
    }

    /// One host.
    ///
    /// # Errors
    /// There is no such host, or it cannot be read.
    pub async fn host(&self, id: HostId) -> Result<Host, StoreError> {
        let host = hosts::get(&mut self.readers().acquire().await?, id).await?;
        host.ok_or_else(|| StoreError::not_found("host", id.to_string()))
    }

    /// The host of this name.
    ///
    /// # Errors
    /// There is no such host, or it cannot be read.
    pub async fn host_by_name(&self, name: &str) -> Result<Host, StoreError> {
        let host = hosts::get_by_name(&mut self.readers().acquire().await?, name).await?;
        host.ok_or_else(|| StoreError::not_found("host", name))
    }

    /// Replaces a host's record.
    ///
    /// # Errors
    /// There is no such host, another one has the name, or the store is busy, full or damaged.
    pub async fn update_host(&self, host: &Host) -> Result<(), StoreError> {
        let host = host.clone();
        self.write(move |db| {
            Box::pin(async move {
                let namesake = hosts::get_by_name(db, &host.name).await?;
                if namesake.is_some_and(|other| other.id != host.id) {
                    return Err(StoreError::NameTaken {
                        what: "host",
                        name: host.name,
                    });
                }
                if hosts::update(db, &host).await? {
                    return Ok(());
                }
                Err(StoreError::not_found("host", host.id.to_string()))
            })
        })
        .await
    }

    /// Removes a host on which nothing of ours is left.
    ///
    /// # Errors
    /// Attempts there are not over or not removed, there is no such host, or the store is busy, full
    /// or damaged.
    pub async fn remove_host(&self, id: HostId) -> Result<(), StoreError> {
        self.write(move |db| {
            Box::pin(async move {
                let attempts = attempts::on_host(db, id).await?;
                if attempts > 0 {
                    return Err(StoreError::HostInUse {
                        host: id.to_string(),
                        attempts,
                    });
                }
                if hosts::delete(db, id).await? {
                    return Ok(());
                }
                Err(StoreError::not_found("host", id.to_string()))
            })
        })
        .await
    }

    /// Keeps what a probe found, or why it failed; facts of an earlier probe then stay.
    ///
    /// # Errors
    /// There is no such host, or the store is busy, full or damaged.
    pub async fn save_facts(
        &self,
        id: HostId,
        found: Result<&HostFacts, &str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let found = found.cloned().map_err(str::to_owned);
        self.write(move |db| {
            Box::pin(async move {
                if hosts::save_facts(db, id, &found, now).await? {
                    return Ok(());
                }
                Err(StoreError::not_found("host", id.to_string()))
            })
        })
        .await
    }

    /// What is known of a host from its probes; `None` before the first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn facts(&self, id: HostId) -> Result<Option<HostReport>, StoreError> {
        hosts::facts(&mut self.readers().acquire().await?, id).await
    }
}
