//! The two errors of the legacy system, told apart by type, with their sources kept.
//!
//! Both are `ExecutorError`s there; here they are the two variants of [`ServiceError`].

use std::time::Duration;

use longshore_core::HostId;
use longshore_core::fault::Fault;
use longshore_core::outcome::JobStatus;
use longshore_executor::ExecutorError;
use longshore_store::{LogError, StoreError};

use crate::placing::NoHost;

/// An operation failed. What the legacy system calls `ExecutorError`.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It cannot be done, or was tried and did not succeed.
    #[error(transparent)]
    ContainerExecution(#[from] ContainerExecutionError),
    /// The host cannot be spoken to.
    #[error(transparent)]
    DockerConnection(#[from] DockerConnectionError),
}

/// An operation cannot be done, or was tried and did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{tried}")]
pub struct ContainerExecutionError {
    tried: &'static str,
    #[source]
    why: Box<Why>,
}

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The job has no container. In the words of the legacy system.
    #[error("No container ID")]
    NoContainer,
    /// The container was not started yet.
    #[error("the container was not started")]
    NotStarted,
    /// The job is not where the operation needs it.
    #[error("the job is {0}")]
    Status(JobStatus),
    /// Workers move the job.
    #[error("workers move this job: use `longshore cancel`, `retry`, `wait` or `logs` for it")]
    OfEngine,
    /// No host takes the job.
    #[error(transparent)]
    NoHost(#[from] NoHost),
    /// The host refused, or failed.
    #[error(transparent)]
    Host(#[from] ExecutorError),
    /// The host's kind cannot do this at all.
    #[error("host `{0}` cannot do this")]
    Unable(String),
    /// The caller's own limit passed; the container was left alone.
    #[error("the container still runs after {0:?}")]
    StillRunning(Duration),
    /// More jobs at once than one call takes.
    #[error("{0} jobs at once; one call takes at most {most}", most = longshore_core::limits::BULK)]
    TooMany(usize),
    /// The store did not take or give a record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log could not be kept or read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The process is ending.
    #[error("interrupted: this process is ending")]
    Interrupted,
}

/// The host cannot be spoken to: nothing is known about it, nor about the effect of the call.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to Docker host {name}")]
pub struct DockerConnectionError {
    host: HostId,
    name: String,
    #[source]
    source: ExecutorError,
}

impl ServiceError {
    /// Whether the host cannot be spoken to.
    pub fn is_connection(&self) -> bool {
        match self {
            Self::DockerConnection(_) => true,
            Self::ContainerExecution(_) => false,
        }
    }

    /// What the host's executor says it was, if it was the host.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::DockerConnection(error) => Some(error.source.fault()),
            Self::ContainerExecution(error) => match error.why() {
                Why::Host(error) => Some(error.fault()),
                Why::NoContainer
                | Why::NotStarted
                | Why::Status(_)
                | Why::OfEngine
                | Why::NoHost(_)
                | Why::Unable(_)
                | Why::StillRunning(_)
                | Why::TooMany(_)
                | Why::Store(_)
                | Why::Log(_)
                | Why::Interrupted => None,
            },
        }
    }

    /// Why it did not succeed, unless the host cannot be spoken to.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::DockerConnection(_) => None,
            Self::ContainerExecution(error) => Some(error.why()),
        }
    }

    pub(crate) fn execution(tried: &'static str, why: impl Into<Why>) -> Self {
        Self::ContainerExecution(ContainerExecutionError {
            tried,
            why: Box::new(why.into()),
        })
    }

    pub(crate) fn connection(host: HostId, name: &str, source: ExecutorError) -> Self {
        Self::DockerConnection(DockerConnectionError {
            host,
            name: name.to_owned(),
            source,
        })
    }
}

impl ContainerExecutionError {
    /// Why.
    pub fn why(&self) -> &Why {
        &self.why
    }
}

impl DockerConnectionError {
    /// The host.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// Its name.
    pub fn host_name(&self) -> &str {
        &self.name
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::execution("the record cannot be used", error)
    }
}

impl From<LogError> for ServiceError {
    fn from(error: LogError) -> Self {
        Self::execution("the log cannot be used", error)
    }
}

/// Which errors an operation answers with a plain value, as the legacy system did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swallow {
    /// What a host that answers says.
    Refusals,
    /// That, and that it does not answer.
    RefusalsAndSilence,
}

impl Swallow {
    /// The value instead of such an error, which goes into our own log.
    pub(crate) fn instead<T>(
        self,
        result: Result<T, ServiceError>,
        value: T,
    ) -> Result<T, ServiceError> {
        let error = match result {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let is_swallowed = match (self, &error) {
            (Self::Refusals, ServiceError::DockerConnection(_)) => false,
            (Self::RefusalsAndSilence, ServiceError::DockerConnection(_)) => true,
            (_, ServiceError::ContainerExecution(_)) => error.fault().is_some(),
        };
        if !is_swallowed {
            return Err(error);
        }
        tracing::warn!(error = %longshore_core::with_causes(&error), "a host did not do as asked");
        Ok(value)
    }
}
