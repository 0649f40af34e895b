//! A charge: the current attempt of a job that its caller drives, with the place where it is.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::attempt::{Evidence, Observed, Phase};
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::launch::Handle;
use longshore_core::outcome::Provenance;
use longshore_core::with_causes;
use longshore_executor::{EndedBy, ExecutorError, Observer};
use longshore_store::{Fenced, Store, StoreError};

use crate::error::ServiceError;
use crate::place::Place;
use crate::service::DockerService;

/// An attempt in our charge.
#[derive(Clone)]
pub(crate) struct Charge {
    pub(crate) service: DockerService,
    pub(crate) place: Arc<Place>,
    pub(crate) job: Arc<Job>,
    pub(crate) attempt: Box<AttemptRecord>,
}

impl Charge {
    pub(crate) fn store(&self) -> &Store {
        self.service.store()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.service.now()
    }

    pub(crate) fn fenced(&self) -> Fenced {
        Fenced::from(&*self.attempt)
    }

    /// Its container: the one that is known, else the one that bears its name, because the reply to
    /// its creation was lost.
    pub(crate) async fn container(
        &mut self,
        tried: &'static str,
    ) -> Result<Option<Handle>, ServiceError> {
        if let Some(handle) = &self.attempt.handle {
            return Ok(Some(handle.clone()));
        }
        let (place, id) = (&self.place, self.attempt.id);
        let found = place.call(|| place.executor.find(id)).await;
        let found = found.map_err(|error| place.error(tried, error))?;
        if let (Some(handle), Phase::Claimed) = (&found, self.attempt.phase) {
            self.created(handle).await?;
        }
        Ok(found)
    }

    /// The container exists.
    pub(crate) async fn created(&mut self, handle: &Handle) -> Result<(), ServiceError> {
        let report = self.store().created(self.fenced(), handle, self.now());
        self.take_in(report.await).await?;
        self.attempt.handle = Some(handle.clone());
        Ok(())
    }

    /// How its container stands, and what an end is judged by.
    pub(crate) async fn look(
        &self,
        handle: &Handle,
        by: EndedBy,
    ) -> Result<(Observed, Evidence), ExecutorError> {
        let observer = Observer::deaf(self.place.executor.clone(), self.attempt.id);
        self.place
            .call(|| observer.look(handle, by, Provenance::Inspect))
            .await
    }

    /// Brings the record up to what the container shows: it may have been started without our
    /// knowing, because the reply was lost or somebody else did it.
    pub(crate) async fn settle(
        &mut self,
        handle: &Handle,
        observed: &Observed,
    ) -> Result<(), ServiceError> {
        let has_run = match observed {
            Observed::Running { .. } | Observed::Exited(_) => true,
            Observed::Absent | Observed::Created { .. } | Observed::Removing => false,
        };
        if has_run && self.attempt.phase == Phase::Claimed {
            self.runs(handle).await?;
        }
        Ok(())
    }

    /// The container runs.
    pub(crate) async fn runs(&mut self, handle: &Handle) -> Result<(), ServiceError> {
        let now = self.now();
        let report = self.store().started(self.fenced(), handle, now).await;
        if self.take_in(report).await? {
            self.attempt.phase = Phase::Running;
            self.attempt.started_at.get_or_insert(now);
            self.attempt.handle = Some(handle.clone());
        }
        Ok(())
    }

    /// Takes the answer to a report in; `false` if somebody else has brought the attempt further
    /// meanwhile, and the record of that is taken in.
    pub(crate) async fn take_in(
        &mut self,
        report: Result<(), StoreError>,
    ) -> Result<bool, ServiceError> {
        let stale = match report {
            Ok(()) => return Ok(true),
            Err(stale @ StoreError::Stale { .. }) => stale,
            Err(error) => return Err(error.into()),
        };
        let known = self.attempt.phase;
        *self.attempt = self.store().attempt(self.attempt.id).await?;
        if self.attempt.phase == known {
            return Err(stale.into());
        }
        Ok(false)
    }

    /// Keeps for people what went wrong, where nothing is decided by it.
    pub(crate) async fn remark(&self, error: &ServiceError) {
        let said = self
            .store()
            .remark(self.fenced(), &with_causes(error))
            .await;
        if let Err(error) = said {
            tracing::debug!(%error, "a remark about a job was not kept");
        }
    }
}
