//! `stop_container`: asks the container of a job to stop, and kills it after a time.

use std::time::Duration;

use longshore_core::JobId;
use longshore_core::attempt::Observed;
use longshore_executor::EndedBy;

use crate::charge::Charge;
use crate::error::{ServiceError, Swallow};
use crate::service::DockerService;

const TRIED: &str = "container stop failed";

impl DockerService {
    /// Stops the job's container, killing it after `timeout`; `true` if it does not run any more.
    /// How it ended is written down by whoever waits for it or harvests it.
    ///
    /// `false` if there is no container, or the host did not do it.
    ///
    /// # Errors
    /// There is no such job in our charge, or the store cannot be used.
    pub async fn stop_container(
        &self,
        job: JobId,
        timeout: Duration,
    ) -> Result<bool, ServiceError> {
        let subject = self.driven(job, TRIED).await?;
        let stopped = match self.charge(subject.under_way()).await {
            Ok(Some(charge)) => charge.stop(timeout, "asked to stop").await,
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        Swallow::RefusalsAndSilence.instead(stopped, false)
    }
}

impl Charge {
    /// Stops the container; `false` if there is none.
    pub(crate) async fn stop(
        mut self,
        timeout: Duration,
        why: &'static str,
    ) -> Result<bool, ServiceError> {
        let Some(handle) = self.container(TRIED).await? else {
            return Ok(false);
        };
        let looked = self.look(&handle, EndedBy::Us).await;
        let (observed, _) = looked.map_err(|error| self.place.error(TRIED, error))?;
        self.settle(&handle, &observed).await?;
        match observed {
            Observed::Absent | Observed::Removing => Ok(false),
            Observed::Created { .. } | Observed::Exited(_) => Ok(true),
            Observed::Running { .. } => {
                self.ask_to_stop(&handle, timeout, why).await?;
                Ok(true)
            }
        }
    }

    /// Asks a running container to stop, kills it after `timeout`, and returns when it has ended.
    pub(crate) async fn ask_to_stop(
        &mut self,
        handle: &longshore_core::launch::Handle,
        timeout: Duration,
        why: &'static str,
    ) -> Result<(), ServiceError> {
        let intent = self.store().stopping(self.fenced(), why, self.now()).await;
        self.take_in(intent).await?;
        let (place, secs) = (&self.place, whole_secs(timeout));
        let stopped = place.call(|| place.executor.stop(handle, secs)).await;
        stopped.map_err(|error| place.error(TRIED, error))
    }
}

/// A part of a second counts as a whole one: nobody is killed before their time.
fn whole_secs(timeout: Duration) -> u32 {
    let part = u64::from(timeout.subsec_nanos() > 0);
    u32::try_from(timeout.as_secs().saturating_add(part)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_never_cut_short() {
        assert_eq!(whole_secs(Duration::ZERO), 0);
        assert_eq!(whole_secs(Duration::from_millis(1)), 1);
        assert_eq!(whole_secs(Duration::from_secs(10)), 10);
        assert_eq!(whole_secs(Duration::MAX), u32::MAX);
    }
}
