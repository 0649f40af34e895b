//! A store, a mock host and workers that can be started, stopped and struck dead.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use jiff::Timestamp;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::log::Stream;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, JobId};
use longshore_engine::{Clock, Stop, SystemClock, Worker, WorkerOptions};
use longshore_executor::mock::{Behaviour, Knobs, MockExecutor, Selector};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_store::{Location, LogQuery, NewJob, Served, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A job is over within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// One pool with one mock host.
pub(crate) struct Rig {
    pub(crate) mock: MockExecutor,
    pub(crate) store: Store,
    pub(crate) host: Host,
    place: Place,
}

/// Where the store is.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a folder that goes with the last clone.
    Folder(Arc<TempDir>),
    Server {
        url: String,
        logs: PathBuf,
    },
}

impl Place {
    async fn open(&self) -> Store {
        match self {
            Self::Folder(folder) => Store::open(folder.path()).await.unwrap(),
            Self::Server { url, logs } => {
                let served = Served {
                    database: url.parse().unwrap(),
                    logs: logs.clone().into(),
                    local: None,
                };
                Store::open_at(&Location::Server(served)).await.unwrap()
            }
        }
    }
}

/// Every host is the mock.
struct OneMock(MockExecutor);

impl ExecutorSource for OneMock {
    fn open(&self, _: &Host) -> Result<SharedExecutor, ExecutorError> {
        Ok(Arc::new(self.0.clone()))
    }
}

impl Rig {
    /// Containers behave like this, unless tuned.
    pub(crate) async fn new(behaviour: Behaviour) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::at(Place::Folder(folder), behaviour).await
    }

    /// With its store there.
    pub(crate) async fn at(place: Place, behaviour: Behaviour) -> Self {
        let knobs = Knobs::new(Timestamp::now()).with(Selector::Any, behaviour);
        let store = place.open().await;
        let now = Timestamp::now();
        let host = Host {
            id: HostId::new(Uuid::now_v7()),
            name: "mock".into(),
            kind: HostKind::Mock,
            endpoint: Endpoint {
                address: "mock://".into(),
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
        };
        store.add_host(&host).await.unwrap();
        Self {
            mock: MockExecutor::new(knobs),
            store,
            host,
            place,
        }
    }

    /// With so many slots on its host.
    pub(crate) async fn with_slots(behaviour: Behaviour, slots: u32) -> Self {
        let mut rig = Self::new(behaviour).await;
        rig.host.slots = slots;
        rig.store.update_host(&rig.host).await.unwrap();
        rig
    }

    pub(crate) async fn submit(&self, spec: JobSpec) -> JobId {
        self.submit_all(vec![spec]).await[0]
    }

    pub(crate) async fn submit_all(&self, specs: Vec<JobSpec>) -> Vec<JobId> {
        let jobs: Vec<NewJob> = specs
            .into_iter()
            .map(|spec| NewJob::new(JobId::new(Uuid::now_v7()), spec))
            .collect();
        self.store.submit(&jobs, Timestamp::now()).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect()
    }

    /// A worker with a life, and a runtime, of its own.
    pub(crate) fn worker(&self) -> RunningWorker {
        self.worker_with(WorkerOptions::default())
    }

    /// The same, with options.
    pub(crate) fn worker_with(&self, options: WorkerOptions) -> RunningWorker {
        self.worker_of(Arc::new(SystemClock), options)
    }

    /// A worker that reaches the store by another way.
    pub(crate) fn worker_at(&self, place: Place) -> RunningWorker {
        self.start_worker(place, Arc::new(SystemClock), WorkerOptions::default())
    }

    /// The same, with a clock of its own.
    pub(crate) fn worker_of(&self, clock: Arc<dyn Clock>, options: WorkerOptions) -> RunningWorker {
        self.start_worker(self.place.clone(), clock, options)
    }

    fn start_worker(
        &self,
        place: Place,
        clock: Arc<dyn Clock>,
        options: WorkerOptions,
    ) -> RunningWorker {
        let runtime = Runtime::new().unwrap();
        let mock = self.mock.clone();
        let stop = Stop::default();
        let ladder = stop.clone();
        let ended = runtime.spawn(async move {
            let store = place.open().await;
            let source = Arc::new(OneMock(mock));
            Worker::new(store, source, options)
                .with_clock(clock)
                .run(ladder)
                .await
                .unwrap();
        });
        RunningWorker {
            runtime: Some(runtime),
            stop,
            ended,
        }
    }

    /// Strikes a worker dead in the middle of whatever it does; its leases pass.
    pub(crate) async fn kill(&self, mut worker: RunningWorker) {
        if let Some(runtime) = worker.runtime.take() {
            runtime.shutdown_background();
        }
        let leases = self
            .open_attempts()
            .await
            .into_iter()
            .filter_map(|attempt| attempt.lease);
        for lease in leases {
            self.store
                .release(lease.worker, Timestamp::now())
                .await
                .unwrap();
        }
    }

    /// Lets the leases of a job's attempts pass now, as they would with time.
    pub(crate) async fn let_leases_pass(&self, job: JobId) {
        let attempts = self.attempts(job).await;
        for lease in attempts.into_iter().filter_map(|attempt| attempt.lease) {
            let now = Timestamp::now();
            self.store.release(lease.worker, now).await.unwrap();
        }
    }

    async fn open_attempts(&self) -> Vec<AttemptRecord> {
        let mut open = Vec::new();
        for job in self
            .store
            .jobs(&longshore_store::JobFilter::default())
            .await
            .unwrap()
        {
            open.extend(self.store.attempts(job.id).await.unwrap());
        }
        open
    }

    /// Waits until the store says so.
    pub(crate) async fn until(&self, what: &str, job: JobId, is_so: impl Fn(&Job) -> bool) -> Job {
        let mut changes = self.store.changes();
        let mut last = None;
        let wait = async {
            loop {
                let job = self.store.job(job).await.unwrap();
                if is_so(&job) {
                    return job;
                }
                last = Some(job);
                changes.changed().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("{what} did not come about: {last:#?}"))
    }

    pub(crate) async fn status(&self, job: JobId, status: JobStatus) -> Job {
        self.until(status.word(), job, |job| job.status == status)
            .await
    }

    /// The job at its end, with its container gone.
    pub(crate) async fn finished(&self, job: JobId) -> Job {
        let job = self
            .until("the end", job, |job| job.status.is_final())
            .await;
        self.quiet("all containers to be removed", || {
            self.mock.containers() == 0
        })
        .await;
        job
    }

    /// Waits until the mock says so.
    pub(crate) async fn quiet(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut changes = self.store.changes();
        let wait = async {
            while !is_so() {
                // The store's changes come at least twice a second.
                let _ = tokio::time::timeout(Duration::from_millis(10), changes.changed()).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, wait).await.is_ok(),
            "waited in vain for {what}"
        );
    }

    /// Waits until it is so; looks whenever the store changes, and twice a second.
    pub(crate) async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let mut changes = self.store.changes();
        let wait = async {
            while !is_so().await {
                let _ = tokio::time::timeout(PATIENCE / 60, changes.changed()).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "waited in vain: {what}");
    }

    pub(crate) async fn attempts(&self, job: JobId) -> Vec<AttemptRecord> {
        self.store.attempts(job).await.unwrap()
    }

    /// What the last attempt printed on its standard output.
    pub(crate) async fn output(&self, job: JobId) -> String {
        let attempt = self.attempts(job).await.pop().unwrap();
        let frames: Vec<_> = self
            .store
            .logs()
            .read(attempt.id, LogQuery::default())
            .try_collect()
            .await
            .unwrap();
        frames
            .iter()
            .filter(|frame| frame.stream == Stream::Stdout)
            .map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned())
            .collect()
    }

    /// How often containers of the job were started.
    pub(crate) async fn starts(&self, job: JobId) -> u32 {
        let attempts = self.attempts(job).await;
        attempts
            .iter()
            .map(|attempt| self.mock.counts(attempt.id).starts)
            .sum()
    }
}

/// A worker in a runtime of its own.
pub(crate) struct RunningWorker {
    runtime: Option<Runtime>,
    pub(crate) stop: Stop,
    ended: tokio::task::JoinHandle<()>,
}

impl RunningWorker {
    /// Tells it to leave, and waits until it has.
    pub(crate) async fn leave(mut self) {
        self.stop.leave.cancel();
        (&mut self.ended).await.unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) {
        tokio::time::timeout(PATIENCE, &mut self.ended)
            .await
            .unwrap()
            .unwrap();
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A spec with no more than an image.
pub(crate) fn spec() -> JobSpec {
    JobSpec::new("busybox".parse().unwrap())
}
