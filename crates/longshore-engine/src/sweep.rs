//! What stands on a host under our pool's label, why, and what may go. Plan apart from doing.

use jiff::Timestamp;
use longshore_core::attempt::Phase;
use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::limits;
use longshore_core::{AttemptId, PoolId};
use longshore_executor::{ExecutorError, Force, Owned, Removed, SharedExecutor};
use longshore_store::{Store, StoreError};

/// Whether a container stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Its attempt is under way.
    InUse,
    /// Nothing explains it, but it is too young to judge: its row may be about to come.
    TooYoung,
    /// The caller that drives its job removes it.
    OfService,
    /// Its attempt has its verdict.
    Ended,
    /// Nothing explains it, and it is old.
    Unknown,
}

impl Keeping {
    /// Whether it may be removed.
    pub fn may_go(self) -> bool {
        match self {
            Self::Ended | Self::Unknown => true,
            Self::InUse | Self::OfService | Self::TooYoung => false,
        }
    }
}

/// A container of the pool on one host.
#[derive(Debug)]
pub struct Found {
    /// It.
    pub container: Owned,
    /// Whether it stays, and why.
    pub keeping: Keeping,
    /// What became of its removal, if one was tried.
    pub removal: Option<Result<Removed, ExecutorError>>,
}

/// A sweep could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store could not be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// The host did not do its part.
    #[error("the host cannot be swept")]
    Host(#[from] ExecutorError),
}

/// Whether a sweep removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Only says what it would do.
    Plan,
    /// Removes what may go.
    Apply,
}

/// Lists what is ours on a host and, if wanted, removes what may go.
///
/// # Errors
/// The host or the store does not answer.
pub async fn sweep(
    store: &Store,
    executor: &SharedExecutor,
    now: Timestamp,
    doing: Doing,
) -> Result<Vec<Found>, SweepError> {
    let pool: PoolId = store.pool();
    let mut found = Vec::new();
    for container in executor.list_owned(pool).await? {
        let keeping = judge(store, &container, now).await?;
        let removal = if doing == Doing::Apply && keeping.may_go() {
            Some(executor.remove(&container.handle, Force::Kill).await)
        } else {
            None
        };
        found.push(Found {
            container,
            keeping,
            removal,
        });
    }
    Ok(found)
}

async fn judge(store: &Store, container: &Owned, now: Timestamp) -> Result<Keeping, StoreError> {
    let attempt = match container.attempt {
        Some(attempt) => find(store, attempt).await?,
        None => None,
    };
    Ok(
        match attempt.map(|attempt| (attempt.driver, attempt.phase)) {
            Some((Driver::Service, _)) => Keeping::OfService,
            Some((Driver::Engine, Phase::Claimed | Phase::Running | Phase::Draining)) => {
                Keeping::InUse
            }
            Some((Driver::Engine, Phase::Ended)) => Keeping::Ended,
            None if container.created_at + limits::STRAY_GRACE > now => Keeping::TooYoung,
            None => Keeping::Unknown,
        },
    )
}

async fn find(store: &Store, attempt: AttemptId) -> Result<Option<AttemptRecord>, StoreError> {
    match store.attempt(attempt).await {
        Ok(attempt) => Ok(Some(attempt)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
