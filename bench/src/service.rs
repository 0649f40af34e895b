//! `DockerService` beside what its callers would do without it, on engines of its own.

use std::sync::Arc;

use anyhow::{Result, ensure};
use bollard::Docker;
use jiff::Timestamp;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::job::Driver;
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, JobId};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_service::{DockerService, ServiceOptions};
use longshore_store::{NewJob, Store};
use longshore_testkit::{Engine, EngineOptions, load_demo_image};
use tempfile::TempDir;
use uuid::Uuid;

use crate::bare;

mod checks;
mod listing;

/// Both measurements.
pub(crate) async fn measure(rounds: usize) -> Result<()> {
    let (first, second) = (Site::start()?, Site::start()?);
    listing::measure(&first, rounds).await?;
    checks::measure(&[&first, &second], rounds).await
}

/// An engine that nobody else uses, as a host and as the bare API.
struct Site {
    _engine: Engine,
    host: Host,
    docker: Docker,
}

impl Site {
    fn start() -> Result<Self> {
        let engine = Engine::start(&EngineOptions::default())?;
        load_demo_image(engine.access())?;
        let address = engine.access().docker_host().to_owned();
        let docker = bare::connect(&address)?;
        let host = host(address);
        Ok(Self {
            _engine: engine,
            host,
            docker,
        })
    }
}

fn host(address: String) -> Host {
    let (id, now) = (HostId::new(Uuid::now_v7()), Timestamp::now());
    Host {
        id,
        name: format!("bench-{}", id.short()),
        kind: HostKind::Docker,
        endpoint: Endpoint { address, tls: None },
        state: HostState::Active,
        slots: 10,
        weight: 100,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: [].into(),
        created_at: now,
        updated_at: now,
    }
}

/// A service on a store of its own.
struct Pool {
    service: DockerService,
    store: Store,
    _folder: TempDir,
}

impl Pool {
    async fn of(sites: &[&Site]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(folder.path()).await?;
        for site in sites {
            store.add_host(&site.host).await?;
        }
        Ok(Self {
            service: DockerService::new(
                store.clone(),
                Arc::new(Engines),
                ServiceOptions::default(),
            ),
            store,
            _folder: folder,
        })
    }

    /// Jobs whose containers run on their hosts until they are killed.
    async fn running(&self, specs: Vec<JobSpec>) -> Result<Vec<JobId>> {
        let new = |spec| NewJob {
            driver: Driver::Service,
            ..NewJob::new(JobId::new(Uuid::now_v7()), spec)
        };
        let jobs: Vec<NewJob> = specs.into_iter().map(new).collect();
        self.store.submit(&jobs, Timestamp::now()).await?;
        let jobs: Vec<JobId> = jobs.into_iter().map(|job| job.id).collect();
        for (_, created) in self.service.create_all(&jobs, &[].into()).await? {
            created?;
        }
        for (job, started) in self.service.start_all(&jobs).await? {
            ensure!(started?, "the container of job {job} did not start");
        }
        Ok(jobs)
    }
}

/// Every host is an engine.
struct Engines;

impl ExecutorSource for Engines {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        let executor = DockerExecutor::new(&host.endpoint, DockerOptions::default())?;
        Ok(Arc::new(executor))
    }
}
