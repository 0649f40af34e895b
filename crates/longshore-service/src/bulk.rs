//! The same for many jobs at once: several at a time on each host, and a result for each.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use longshore_core::host::Host;
use longshore_core::limits::{BULK, BULK_PER_HOST};
use longshore_core::spec::EnvName;
use longshore_core::{HostId, JobId};
use longshore_executor::Force;
use longshore_store::Standing;

use crate::check_container_status::ContainerStatus;
use crate::container_id::ContainerId;
use crate::error::{ServiceError, Why};
use crate::service::DockerService;

/// A result for each job, in the order of the jobs.
type Results<T> = Vec<(JobId, Result<T, ServiceError>)>;

/// The places of jobs in a list, by the host that is going to be asked.
type Groups = HashMap<Option<HostId>, Vec<usize>>;

impl DockerService {
    /// [`create_container`](Self::create_container) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn create_all(
        &self,
        jobs: &[JobId],
        env: &BTreeMap<EnvName, String>,
    ) -> Result<Results<ContainerId>, ServiceError> {
        self.bulk(jobs, |job| self.create_container(job, env)).await
    }

    /// [`start_container`](Self::start_container) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn start_all(&self, jobs: &[JobId]) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.start_container(job)).await
    }

    /// [`stop_container`](Self::stop_container) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn stop_all(
        &self,
        jobs: &[JobId],
        timeout: Duration,
    ) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.stop_container(job, timeout))
            .await
    }

    /// [`remove_container`](Self::remove_container) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn remove_all(
        &self,
        jobs: &[JobId],
        force: Force,
    ) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.remove_container(job, force))
            .await
    }

    /// [`harvest_completed_job`](Self::harvest_completed_job) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn harvest_all(&self, jobs: &[JobId]) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.harvest_completed_job(job)).await
    }

    /// [`cancel_job`](Self::cancel_job) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn cancel_all(&self, jobs: &[JobId]) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.cancel_job(job)).await
    }

    /// [`restart_job`](Self::restart_job) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn restart_all(&self, jobs: &[JobId]) -> Result<Results<bool>, ServiceError> {
        self.bulk(jobs, |job| self.restart_job(job)).await
    }

    /// [`check_container_status`](Self::check_container_status) for each.
    ///
    /// # Errors
    /// There are too many.
    pub async fn status_all(
        &self,
        jobs: &[JobId],
    ) -> Result<Results<ContainerStatus>, ServiceError> {
        refuse_too_many(jobs)?;
        let standings = self.store().standings(jobs).await?;
        let by_job = standings
            .into_iter()
            .map(|standing| (standing.job, standing));
        let known: HashMap<JobId, Standing> = by_job.collect();
        let host = |job| Some(known.get(&job)?.attempt.as_ref()?.host);
        let status = |job| {
            let standing = known.get(&job);
            async move {
                match standing {
                    Some(standing) => self.status_of(standing).await,
                    // There is no such job: it says so itself.
                    None => self.check_container_status(job).await,
                }
            }
        };
        Ok(in_groups(jobs, group(jobs, host), status).await)
    }

    /// Acts upon each job, so many at a time on each host: a host that hangs keeps none of the
    /// others waiting.
    async fn bulk<T, F>(
        &self,
        jobs: &[JobId],
        act: impl Fn(JobId) -> F,
    ) -> Result<Results<T>, ServiceError>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        refuse_too_many(jobs)?;
        Ok(in_groups(jobs, self.by_host(jobs).await, act).await)
    }

    /// The places of the jobs in their list, by the host that is going to be asked.
    async fn by_host(&self, jobs: &[JobId]) -> Groups {
        let hosts = self.store().hosts().await.unwrap_or_default();
        let mut known = HashMap::new();
        for id in jobs {
            // A job that cannot be read says so itself, in its turn.
            let Ok(job) = self.store().job(*id).await else {
                continue;
            };
            let is_named = |host: &&Host| Some(&host.name) == job.spec.host.as_ref();
            let named = hosts.iter().find(is_named).map(|host| host.id);
            known.extend(job.host.or(named).map(|host| (*id, host)));
        }
        group(jobs, |job| known.get(&job).copied())
    }
}

fn refuse_too_many(jobs: &[JobId]) -> Result<(), ServiceError> {
    if jobs.len() > BULK {
        let why = Why::TooMany(jobs.len());
        return Err(ServiceError::execution("nothing was done", why));
    }
    Ok(())
}

fn group(jobs: &[JobId], host: impl Fn(JobId) -> Option<HostId>) -> Groups {
    let mut groups = Groups::new();
    for (place, job) in jobs.iter().enumerate() {
        groups.entry(host(*job)).or_default().push(place);
    }
    groups
}

async fn in_groups<T, F>(jobs: &[JobId], groups: Groups, act: impl Fn(JobId) -> F) -> Results<T>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let act = &act;
    let groups = groups.into_values().map(|group| {
        let acts = stream::iter(group).map(|place| async move {
            let job = jobs[place];
            (place, (job, act(job).await))
        });
        acts.buffer_unordered(BULK_PER_HOST).collect::<Vec<_>>()
    });
    let mut results: Vec<_> = join_all(groups).await.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}
