//! A store with jobs in our charge, hosts that are mocks or engines, and a service for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use jiff::Timestamp;
use longshore_core::event::EventKind;
use longshore_core::fault::Fault;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::job::{AttemptRecord, Driver, Job};
use longshore_core::log::Frame;
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, JobId};
use longshore_executor::mock::{Behaviour, Knobs, MockExecutor, Selector};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_executor_docker::{Deadlines, DockerExecutor, DockerOptions};
use longshore_service::{DockerService, LogWish, ServiceError, ServiceOptions};
use longshore_store::{EventFilter, NewJob, Store};
use tempfile::TempDir;
use uuid::Uuid;

/// Whatever takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// One pool, its service and its hosts.
pub(crate) struct Rig {
    pub(crate) service: DockerService,
    pub(crate) store: Store,
    sources: Arc<Sources>,
    _folder: TempDir,
}

/// Makes the executors of the hosts of a test.
pub(crate) struct Sources {
    mocks: Mutex<HashMap<HostId, MockExecutor>>,
    docker: Mutex<DockerOptions>,
    opened: Mutex<HashMap<HostId, u32>>,
}

impl ExecutorSource for Sources {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        *self.opened.lock().unwrap().entry(host.id).or_default() += 1;
        match host.kind {
            HostKind::Docker => {
                let options = self.docker.lock().unwrap().clone();
                Ok(Arc::new(DockerExecutor::new(&host.endpoint, options)?))
            }
            HostKind::Oci => Err(ExecutorError::new(Fault::Unsupported, "not of this rig")),
            HostKind::Mock => match self.mocks.lock().unwrap().get(&host.id) {
                Some(mock) => Ok(Arc::new(mock.clone())),
                None => Err(ExecutorError::new(
                    Fault::Unsupported,
                    "no executor available",
                )),
            },
        }
    }
}

impl Rig {
    /// A pool without hosts.
    pub(crate) async fn new() -> Self {
        Self::with(ServiceOptions::default()).await
    }

    /// A pool without hosts, whose service works like this.
    pub(crate) async fn with(options: ServiceOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let sources = Arc::new(Sources {
            mocks: Mutex::default(),
            docker: Mutex::default(),
            opened: Mutex::default(),
        });
        let source = Arc::clone(&sources) as Arc<dyn ExecutorSource>;
        Self {
            service: DockerService::new(store.clone(), source, options),
            store,
            sources,
            _folder: folder,
        }
    }

    /// Containers are never removed by themselves.
    pub(crate) async fn keeping() -> Self {
        Self::with(ServiceOptions {
            immediate_cleanup: false,
            ..ServiceOptions::default()
        })
        .await
    }

    /// Executors of engines that are opened from now on give up so early.
    pub(crate) fn hurry(&self, limit: Duration) {
        self.sources.docker.lock().unwrap().deadlines = Deadlines {
            control: limit,
            launch: limit,
            probe: limit,
            usage: limit,
            remove: limit,
            stop_slack: limit,
            ..Deadlines::default()
        };
    }

    /// A host that is a mock with containers that behave like this.
    pub(crate) async fn mock(&self, behaviour: Behaviour) -> (Host, MockExecutor) {
        let knobs = Knobs::new(Timestamp::now()).with(Selector::Any, behaviour);
        let mock = MockExecutor::new(knobs);
        let host = self.add(HostKind::Mock, "mock://").await;
        let mocks = &self.sources.mocks;
        mocks.lock().unwrap().insert(host.id, mock.clone());
        (host, mock)
    }

    /// A host of a kind that nobody can speak to.
    pub(crate) async fn mute(&self) -> Host {
        self.add(HostKind::Mock, "mock://").await
    }

    /// A host that is an engine at this address.
    pub(crate) async fn engine(&self, address: &str) -> Host {
        self.add(HostKind::Docker, address).await
    }

    async fn add(&self, kind: HostKind, address: &str) -> Host {
        let host = host(kind, address);
        self.store.add_host(&host).await.unwrap();
        host
    }

    /// Writes a changed record of a host.
    pub(crate) async fn update(&self, host: &mut Host) {
        host.updated_at = Timestamp::now();
        self.store.update_host(host).await.unwrap();
    }

    /// How often an executor of the host was made.
    pub(crate) fn opened(&self, host: &Host) -> u32 {
        let opened = self.sources.opened.lock().unwrap();
        opened.get(&host.id).copied().unwrap_or_default()
    }

    /// A job in our charge.
    pub(crate) async fn job(&self, spec: JobSpec) -> JobId {
        self.jobs(vec![spec], Driver::Service).await[0]
    }

    /// A job of the workers.
    pub(crate) async fn job_of_workers(&self, spec: JobSpec) -> JobId {
        self.jobs(vec![spec], Driver::Engine).await[0]
    }

    pub(crate) async fn jobs(&self, specs: Vec<JobSpec>, driver: Driver) -> Vec<JobId> {
        let new = |spec| NewJob {
            driver,
            ..NewJob::new(JobId::new(Uuid::now_v7()), spec)
        };
        let jobs: Vec<NewJob> = specs.into_iter().map(new).collect();
        self.store.submit(&jobs, Timestamp::now()).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect()
    }

    /// A job whose container is made.
    pub(crate) async fn created(&self, spec: JobSpec) -> JobId {
        let job = self.job(spec).await;
        self.create(job).await.unwrap();
        job
    }

    /// A job whose container was started.
    pub(crate) async fn started(&self, spec: JobSpec) -> JobId {
        let job = self.created(spec).await;
        assert!(self.service.start_container(job).await.unwrap());
        job
    }

    /// `create_container` without more variables.
    pub(crate) async fn create(&self, job: JobId) -> Result<String, ServiceError> {
        let id = self.service.create_container(job, &BTreeMap::new()).await?;
        Ok(id.to_string())
    }

    pub(crate) async fn read(&self, job: JobId) -> Job {
        self.store.job(job).await.unwrap()
    }

    /// The job's status and reason, such as `failed exit(7)`.
    pub(crate) async fn standing(&self, job: JobId) -> String {
        let job = self.read(job).await;
        let reason = job.outcome.map(|outcome| outcome.to_string());
        let text = format!("{} {}", job.status, reason.unwrap_or_default());
        text.trim_end().to_owned()
    }

    pub(crate) async fn message(&self, job: JobId) -> String {
        self.read(job).await.message.unwrap_or_default()
    }

    pub(crate) async fn attempts(&self, job: JobId) -> Vec<AttemptRecord> {
        self.store.attempts(job).await.unwrap()
    }

    /// The job's last attempt.
    pub(crate) async fn attempt(&self, job: JobId) -> AttemptRecord {
        self.attempts(job).await.pop().unwrap()
    }

    pub(crate) async fn events(&self, job: JobId) -> Vec<EventKind> {
        let filter = EventFilter {
            job: Some(job),
            ..EventFilter::default()
        };
        let events = self.store.events(filter).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    pub(crate) async fn frames(
        &self,
        job: JobId,
        wish: LogWish,
    ) -> Result<Vec<Frame>, ServiceError> {
        let frames = self.service.get_container_logs(job, wish).try_collect();
        tokio::time::timeout(PATIENCE, frames).await.unwrap()
    }

    /// The whole log as text.
    pub(crate) async fn log(&self, job: JobId) -> String {
        text(&self.frames(job, LogWish::default()).await.unwrap())
    }
}

/// A host of a name that no other test has.
pub(crate) fn host(kind: HostKind, address: &str) -> Host {
    let (id, now) = (HostId::new(Uuid::now_v7()), Timestamp::now());
    Host {
        id,
        name: format!("host-{}", id.short()),
        kind,
        endpoint: Endpoint {
            address: address.to_owned(),
            tls: None,
        },
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

/// The bytes of all frames as text.
pub(crate) fn text(frames: &[Frame]) -> String {
    let texts = frames.iter();
    texts
        .map(|frame| String::from_utf8_lossy(&frame.bytes))
        .collect()
}

/// Asserts that the host could not be spoken to.
#[track_caller]
pub(crate) fn is_connection<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> ServiceError {
    let error = result.unwrap_err();
    assert!(error.is_connection(), "{error:?}");
    error
}

/// Asserts that it was done in vain, or could not be done.
#[track_caller]
pub(crate) fn is_execution<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> ServiceError {
    let error = result.unwrap_err();
    assert!(!error.is_connection(), "{error:?}");
    error
}
