//! What a job-based operation is about: the job and its current attempt, read fresh at every call.

use longshore_core::JobId;
use std::sync::Arc;

use longshore_core::attempt::Phase;
use longshore_core::job::{AttemptRecord, Driver, Job};

use crate::charge::Charge;
use crate::error::{ServiceError, Why};
use crate::service::DockerService;

/// A job and its current attempt.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) job: Arc<Job>,
    pub(crate) attempt: Option<Box<AttemptRecord>>,
}

impl DockerService {
    /// A job, whoever moves it.
    pub(crate) async fn subject(&self, job: JobId) -> Result<Subject, ServiceError> {
        let job = Arc::new(self.store().job(job).await?);
        let attempt = match job.attempt {
            0 => None,
            number => {
                let attempts = self.store().attempts(job.id).await?;
                let mut attempts = attempts.into_iter();
                attempts
                    .find(|attempt| attempt.number == number)
                    .map(Box::new)
            }
        };
        Ok(Subject { job, attempt })
    }

    /// A job in our charge.
    pub(crate) async fn driven(
        &self,
        job: JobId,
        tried: &'static str,
    ) -> Result<Subject, ServiceError> {
        let subject = self.subject(job).await?;
        match subject.job.driver {
            Driver::Service => Ok(subject),
            Driver::Engine => Err(ServiceError::execution(tried, Why::OfEngine)),
        }
    }

    /// The current attempt of a job in our charge, with its place; `None` if it has no attempt.
    pub(crate) async fn charge(&self, subject: Subject) -> Result<Option<Charge>, ServiceError> {
        let Some(attempt) = subject.attempt else {
            return Ok(None);
        };
        Ok(Some(Charge {
            service: self.clone(),
            place: self.place_of(attempt.host).await?,
            job: subject.job,
            attempt,
        }))
    }
}

impl Subject {
    /// Its attempt, unless that is over.
    pub(crate) fn under_way(self) -> Self {
        let attempt = self.attempt.filter(|attempt| attempt.phase != Phase::Ended);
        Self { attempt, ..self }
    }
}
