//! `create_container`: makes the container of a job and leaves it unstarted.

use std::collections::BTreeMap;

use longshore_core::JobId;
use longshore_core::spec::EnvName;
use longshore_executor::{Force, Removed};
use longshore_store::Fenced;

use crate::charge::Charge;
use crate::container_id::ContainerId;
use crate::error::ServiceError;
use crate::prepare::{Prepared, Remains, Setback, Unprepared};
use crate::service::DockerService;

impl DockerService {
    /// Makes the job's container, without starting it, and answers with its id. The variables of
    /// `env` win over those of the job. A job whose container is there already gets that one, as it
    /// is.
    ///
    /// The job stays pending. After a failure it can be created again; where it is not known whether
    /// the container was made, the next call looks for it first, on the same host.
    ///
    /// # Errors
    /// The host cannot be spoken to; the job is not pending, no host takes it, or host or registry
    /// refuse.
    pub async fn create_container(
        &self,
        job: JobId,
        env: &BTreeMap<EnvName, String>,
    ) -> Result<ContainerId, ServiceError> {
        match self.prepare(job, env).await {
            Ok(Prepared { charge, handle }) => {
                let inventory = charge.place.inventory("the container's id is not known")?;
                Ok(ContainerId::new(inventory.id_of(&handle)))
            }
            Err(Unprepared::Refused(error)) => Err(error),
            Err(Unprepared::Failed(setback)) => Err(self.set_back(*setback).await),
        }
    }

    /// Leaves the record as the failure demands, and answers with the failure.
    async fn set_back(&self, setback: Setback) -> ServiceError {
        if setback.remains == Remains::Unknown {
            if let Some(charge) = &setback.charge {
                charge.remark(&setback.error).await;
            }
            return setback.error;
        }
        let (fenced, verdict) = (Fenced::from(&*setback.attempt), setback.verdict());
        if let Err(error) = self.store().abandon(fenced, &verdict, self.now()).await {
            tracing::error!(%error, "a failed creation could not be written down");
            return setback.error;
        }
        self.clear_remains(&setback).await;
        setback.error
    }

    /// Takes away what a failed creation may have left, once its attempt is over. What does not
    /// succeed is left to the clean-up.
    pub(crate) async fn clear_remains(&self, setback: &Setback) {
        let is_gone = match (setback.remains, &setback.charge) {
            (Remains::Nothing, _) => true,
            (Remains::Perhaps, Some(charge)) => charge.is_cleared().await,
            (Remains::Perhaps, None) | (Remains::Unknown, _) => false,
        };
        if !is_gone {
            return;
        }
        let written = self.store().removed(setback.attempt.id, self.now()).await;
        if let Err(error) = written {
            tracing::warn!(%error, "a removal could not be written down; the clean-up repeats it");
        }
    }
}

impl Charge {
    /// Removes whatever bears the attempt's name; whether nothing does any more.
    async fn is_cleared(&self) -> bool {
        let (executor, id) = (&self.place.executor, self.attempt.id);
        let removed = match executor.find(id).await {
            Ok(None) => return true,
            Ok(Some(handle)) => executor.remove(&handle, Force::Kill).await,
            Err(error) => Err(error),
        };
        match removed {
            Ok(Removed::Gone | Removed::WasAbsent) => true,
            Ok(Removed::Pending) => false,
            Err(error) => {
                tracing::warn!(%error, "a failed creation may have left a container");
                false
            }
        }
    }
}
