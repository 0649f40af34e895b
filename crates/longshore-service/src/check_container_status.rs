//! `check_container_status`: how the container of a job stands, in the words of the legacy system.

use std::fmt;
use std::str::FromStr;

use longshore_core::attempt::{Observed, Phase};
use longshore_core::job::Driver;
use longshore_core::launch::Handle;
use longshore_core::outcome::{JobStatus, UnknownWord};
use longshore_core::{AttemptId, JobId};
use longshore_store::{AttemptStanding, Standing};

use crate::error::ServiceError;
use crate::service::DockerService;

const TRIED: &str = "the container cannot be looked at";

/// How the container of a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerStatus {
    /// The job has none.
    NoContainer,
    /// The job had one, which is not on its host any more.
    NotFound,
    /// It was made and never started.
    Created,
    /// It runs.
    Running,
    /// It ran and ended.
    Exited,
    /// The host does not tell, or it is being removed. Nothing follows from this.
    Error,
}

impl ContainerStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::NoContainer,
        Self::NotFound,
        Self::Created,
        Self::Running,
        Self::Exited,
        Self::Error,
    ];

    /// The word of the legacy system.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoContainer => "no-container",
            Self::NotFound => "not-found",
            Self::Created => "created",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for ContainerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ContainerStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == word)
            .ok_or_else(|| UnknownWord::new("container status", word))
    }
}

impl From<&Observed> for ContainerStatus {
    fn from(observed: &Observed) -> Self {
        match observed {
            Observed::Absent => Self::NotFound,
            Observed::Created { .. } => Self::Created,
            Observed::Running { .. } => Self::Running,
            Observed::Exited(_) => Self::Exited,
            Observed::Removing => Self::Error,
        }
    }
}

impl DockerService {
    /// How the job's container stands now, whoever moves the job. A host that does not answer is
    /// [`ContainerStatus::Error`]: the job is left as it is.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be used.
    pub async fn check_container_status(
        &self,
        job: JobId,
    ) -> Result<ContainerStatus, ServiceError> {
        let standing = self.store().standing(job).await?;
        self.status_of(&standing).await
    }

    /// How the container of a job stands whose record is known.
    pub(crate) async fn status_of(
        &self,
        standing: &Standing,
    ) -> Result<ContainerStatus, ServiceError> {
        let Some(attempt) = &standing.attempt else {
            return Ok(ContainerStatus::NoContainer);
        };
        if let Some(known) = known(standing.status, attempt) {
            return Ok(known);
        }
        let status = self.look_at(standing, attempt).await;
        crate::error::Swallow::RefusalsAndSilence.instead(status, ContainerStatus::Error)
    }

    async fn look_at(
        &self,
        standing: &Standing,
        attempt: &AttemptStanding,
    ) -> Result<ContainerStatus, ServiceError> {
        let place = match self.place_as_of(attempt.host, attempt.host_updated_at) {
            Some(place) => place,
            None => self.place_of(attempt.host).await?,
        };
        let handle = match &attempt.handle {
            Some(handle) => handle.clone(),
            None => match place.call(|| place.executor.find(attempt.id)).await {
                Ok(Some(handle)) => handle,
                Ok(None) => return Ok(ContainerStatus::NoContainer),
                Err(error) => return Err(place.error(TRIED, error)),
            },
        };
        let observed = place.call(|| place.executor.observe(&handle)).await;
        let observed = observed.map_err(|error| place.error(TRIED, error))?;
        if standing.driver == Driver::Service && attempt.phase == Phase::Claimed {
            self.settle(standing.job, attempt.id, (&handle, &observed))
                .await?;
        }
        Ok(ContainerStatus::from(&observed))
    }

    /// Brings the record up to what was seen, unless it has gone on to another attempt.
    async fn settle(
        &self,
        job: JobId,
        attempt: AttemptId,
        (handle, observed): (&Handle, &Observed),
    ) -> Result<(), ServiceError> {
        let subject = self.subject(job).await?;
        match self.charge(subject).await? {
            Some(mut charge) if charge.attempt.id == attempt => {
                charge.settle(handle, observed).await
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What the record says without a look at the host.
fn known(status: JobStatus, attempt: &AttemptStanding) -> Option<ContainerStatus> {
    if attempt.phase != Phase::Ended {
        return None;
    }
    // Its next attempt will have a container of its own.
    if !status.is_final() {
        return Some(ContainerStatus::NoContainer);
    }
    match (&attempt.handle, attempt.removed_at) {
        (None, _) => Some(ContainerStatus::NoContainer),
        (Some(_), Some(_)) => Some(ContainerStatus::NotFound),
        (Some(_), None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_word_and_no_other_word_is_one() {
        for status in ContainerStatus::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
        }
        assert!("failed".parse::<ContainerStatus>().is_err());
    }

    #[test]
    fn a_container_that_is_being_removed_tells_nothing() {
        assert_eq!(
            ContainerStatus::from(&Observed::Removing),
            ContainerStatus::Error
        );
    }
}
