//! Which containers of a host may go, and why. Plan apart from doing; never anything else.
//!
//! A container may go that is this pool's and whose attempt is over; that is this pool's and that no
//! attempt explains; or that the legacy system made for a job that this store knows and that is over.

use std::collections::HashSet;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use longshore_core::attempt::Phase;
use longshore_core::host::Host;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::{Handle, container_name};
use longshore_core::legacy::LegacyOrigin;
use longshore_core::{AttemptId, JobId, limits};
use longshore_executor::{ContainerState, Force, Listed, Removed, Which};
use longshore_store::StoreError;

use crate::discover_running_containers::Origin;
use crate::error::ServiceError;
use crate::place::Place;
use crate::service::DockerService;

const TRIED: &str = "cleaning up failed";

/// What a clean-up may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// What ended before.
    pub cutoff: Timestamp,
    /// Which of the legacy system's containers.
    pub legacy: LegacyContainers,
}

/// Which of the legacy system's containers a clean-up takes; never one that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyContainers {
    /// Those of jobs that this store knows.
    OfKnownJobs,
    /// Those, and those that have ended and whose job nobody knows.
    All,
}

/// A container that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condemned {
    /// It.
    pub container: Listed,
    /// Why it may go.
    pub reason: Reason,
}

/// Why a container may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its attempt is over.
    Ended(AttemptId),
    /// It is this pool's and no attempt explains it.
    Unexplained,
    /// The legacy system made it for this job, which is over.
    LegacyEnded(JobId),
    /// The legacy system made it, it has ended, and nobody knows its job.
    LegacyUnknown,
}

/// What became of a container that may go.
#[derive(Debug)]
pub struct Swept {
    /// It.
    pub condemned: Condemned,
    /// Whether it is gone.
    pub removal: Result<Removed, ServiceError>,
}

impl Swept {
    /// Whether it was there and is gone, or going.
    pub fn is_removed(&self) -> bool {
        matches!(self.removal, Ok(Removed::Gone | Removed::Pending))
    }
}

impl DockerService {
    /// What a clean-up of the host would remove.
    ///
    /// # Errors
    /// The host cannot be spoken to, or the store cannot be used.
    pub async fn plan_cleanup(
        &self,
        host: &Host,
        cleanup: Cleanup,
    ) -> Result<Vec<Condemned>, ServiceError> {
        let mut condemned = Vec::new();
        for container in self.list_containers(host, Which::All).await? {
            let reason = self.reason(host, &container, cleanup).await?;
            condemned.extend(reason.map(|reason| Condemned { container, reason }));
        }
        Ok(condemned)
    }

    /// Removes what a plan says, several at a time, and writes it down; what is gone from the host
    /// by others' doing is written off. Each is looked up in the
    /// store by its reason alone: an attempt that is over stays over.
    ///
    /// # Errors
    /// The host's record cannot be used.
    pub async fn apply_cleanup(
        &self,
        host: &Host,
        plan: Vec<Condemned>,
    ) -> Result<Vec<Swept>, ServiceError> {
        let place = &self.place(host)?;
        let removals = stream::iter(plan).map(|condemned| async move {
            let removal = self.remove_condemned(place, &condemned).await;
            Swept { condemned, removal }
        });
        let swept = removals.buffered(limits::REMOVALS_PER_HOST).collect().await;
        if let Err(error) = self.write_off(host).await {
            let error = longshore_core::with_causes(&error);
            tracing::warn!(host.name = %host.name, %error, "what is gone is not written off");
        }
        Ok(swept)
    }

    /// Removes what may go from the host, and says how much that was.
    ///
    /// # Errors
    /// The host cannot be spoken to, or the store cannot be used.
    pub async fn cleanup_old_containers_on(
        &self,
        host: &Host,
        cleanup: Cleanup,
    ) -> Result<u64, ServiceError> {
        let plan = self.plan_cleanup(host, cleanup).await?;
        let swept = self.apply_cleanup(host, plan).await?;
        let removed = swept.iter().filter(|swept| swept.is_removed());
        Ok(removed.count() as u64)
    }

    async fn remove_condemned(
        &self,
        place: &Place,
        condemned: &Condemned,
    ) -> Result<Removed, ServiceError> {
        let force = match condemned.reason {
            // Whatever still runs in them has no right to.
            Reason::Ended(_) | Reason::Unexplained => Force::Kill,
            Reason::LegacyEnded(_) | Reason::LegacyUnknown => Force::Never,
        };
        let handle = &condemned.container.handle;
        let removed = place.call(|| place.executor.remove(handle, force)).await;
        let removed = removed.map_err(|error| place.error(TRIED, error))?;
        let attempt = match condemned.reason {
            Reason::Ended(attempt) => Some(attempt),
            Reason::LegacyEnded(job) => self.attempt_with(job, handle).await?,
            Reason::Unexplained | Reason::LegacyUnknown => None,
        };
        if let Some(attempt) = attempt
            && removed != Removed::Pending
        {
            self.store().removed(attempt, self.now()).await?;
        }
        Ok(removed)
    }

    /// The attempt of a job whose container this is.
    async fn attempt_with(
        &self,
        job: JobId,
        handle: &Handle,
    ) -> Result<Option<AttemptId>, StoreError> {
        let attempts = self.store().attempts(job).await?;
        let mut its = attempts.into_iter();
        let found = its.find(|attempt| attempt.handle.as_ref() == Some(handle));
        Ok(found.map(|attempt| attempt.id))
    }

    /// Writes off the containers of attempts that have been over for a while and are not on the host.
    async fn write_off(&self, host: &Host) -> Result<(), ServiceError> {
        let listed = self.list_containers(host, Which::All).await?;
        let handles: HashSet<&Handle> = listed.iter().map(|found| &found.handle).collect();
        let names: HashSet<&str> = listed.iter().map(|found| &*found.name).collect();
        let is_there = |attempt: &AttemptRecord| match &attempt.handle {
            Some(handle) => handles.contains(handle),
            None => names.contains(&*container_name(attempt.id)),
        };
        let now = self.now();
        let mut after = None;
        loop {
            let page = self
                .store()
                .unremoved_of_service(limits::PAGE, after)
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for attempt in &page {
                let ended_at = attempt.ended_at.unwrap_or(now);
                let is_old = ended_at + limits::STRAY_GRACE < now;
                if attempt.host == host.id && is_old && !is_there(attempt) {
                    self.store().removed(attempt.id, now).await?;
                }
            }
        }
    }

    async fn reason(
        &self,
        host: &Host,
        container: &Listed,
        cleanup: Cleanup,
    ) -> Result<Option<Reason>, ServiceError> {
        match Origin::of(container, self.store().pool()) {
            None => Ok(None),
            Some(Origin::Pool { attempt, .. }) => {
                let attempt = match attempt {
                    Some(id) => found(self.store().attempt(id).await)?,
                    None => None,
                };
                Ok(reason_of_pool(container, attempt, cleanup, self.now()))
            }
            Some(Origin::Legacy(origin)) => {
                let job = match job_of(&origin) {
                    Some(id) => found(self.store().job(id).await)?,
                    None => None,
                };
                match (reason_of_legacy(container, job.as_ref(), cleanup), job) {
                    (Some(Reason::LegacyUnknown), None) => {
                        self.unless_ended_late(host, container, cleanup).await
                    }
                    (reason, _) => Ok(reason),
                }
            }
        }
    }

    /// Lists do not tell when a container ended: the one that nobody knows is asked.
    async fn unless_ended_late(
        &self,
        host: &Host,
        container: &Listed,
        cleanup: Cleanup,
    ) -> Result<Option<Reason>, ServiceError> {
        let place = self.place(host)?;
        let inventory = place.inventory(TRIED)?;
        let found = place.call(|| inventory.container(&container.id)).await;
        let found = found.map_err(|error| place.error(TRIED, error))?;
        let ended_at = found.and_then(|found| found.finished_at);
        let is_old = ended_at.is_some_and(|ended_at| ended_at < cleanup.cutoff);
        Ok(is_old.then_some(Reason::LegacyUnknown))
    }
}

/// Why a container of this pool may go.
fn reason_of_pool(
    container: &Listed,
    attempt: Option<AttemptRecord>,
    cleanup: Cleanup,
    now: Timestamp,
) -> Option<Reason> {
    let Some(attempt) = attempt else {
        let is_grown = container.created_at + limits::STRAY_GRACE < now;
        let is_old = is_grown && container.created_at < cleanup.cutoff;
        return is_old.then_some(Reason::Unexplained);
    };
    let is_over = attempt.phase == Phase::Ended;
    let ended_at = attempt.ended_at.filter(|_| is_over)?;
    (ended_at < cleanup.cutoff).then_some(Reason::Ended(attempt.id))
}

/// Why a container of the legacy system may go.
fn reason_of_legacy(container: &Listed, job: Option<&Job>, cleanup: Cleanup) -> Option<Reason> {
    if container.state.is_running() {
        return None;
    }
    let Some(job) = job else {
        let has_ended = container.state == ContainerState::Exited;
        let is_wanted = has_ended && cleanup.legacy == LegacyContainers::All;
        return is_wanted.then_some(Reason::LegacyUnknown);
    };
    let finished_at = job.finished_at.filter(|_| job.status.is_final())?;
    (finished_at < cleanup.cutoff).then_some(Reason::LegacyEnded(job.id))
}

fn job_of(origin: &LegacyOrigin) -> Option<JobId> {
    origin.job.as_ref()?.parse().ok()
}

/// What is not in the store is a value here.
fn found<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
