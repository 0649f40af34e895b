//! What the command line needs from engine and executors, without knowing either.
//!
//! The binary implements [`Backstage`]; tests play it. Every method has deadlines of its own and
//! can be dropped at any await.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use longshore_core::JobId;
use longshore_core::collection::Keep;
use longshore_core::host::{Endpoint, Host, HostFacts, HostKind};
use longshore_core::image::{Image, PullProgress};
use longshore_core::launch::Handle;
use longshore_core::spec::{ImageReference, JobSpec, Platform};
use longshore_service::DockerService;
use longshore_store::Store;
use tokio::sync::watch;

/// Receives the progress of a pull.
pub type OnPull = Arc<dyn Fn(&PullProgress) + Send + Sync>;

/// Receives the progress of the pulls that a worker makes, and for which job.
pub type OnJobPull = Arc<dyn Fn(JobId, &PullProgress) + Send + Sync>;

/// Receives what a pull waits for, in whole words.
pub type OnWait = Arc<dyn Fn(&str) + Send + Sync>;

/// Who is told about a pull.
#[derive(Clone)]
pub struct Told {
    /// How far it has come.
    pub progress: OnPull,
    /// What it waits for.
    pub waits: OnWait,
}

/// Engine and executors, as the command line sees them.
#[async_trait]
pub trait Backstage: Send + Sync {
    /// What is to be done before there is any thread, for a command that may speak to hosts.
    fn before_threads(&self);

    /// Runs a worker in this process.
    ///
    /// Returns when [`Stop`] asked for it and was obeyed, or when there is nothing more to do:
    /// with [`WorkerOptions::only_job`], as soon as that job is final and its container is gone
    /// (whoever moved it); with [`WorkerOptions::exit_when_empty`], as soon as no job of the pool
    /// is waiting, running or due for a retry and no container is left to remove. When the sender
    /// of `stop` is dropped, that means [`Stop::Leave`].
    ///
    /// # Errors
    /// The worker cannot go on. Troubles of single jobs and hosts are not errors: they stand in
    /// the store.
    async fn work(
        &self,
        store: &Store,
        options: WorkerOptions,
        stop: watch::Receiver<Stop>,
    ) -> Result<(), Trouble>;

    /// The host that this environment names, with Docker's own precedence: `context` if given,
    /// then `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context, the usual socket. Where none is
    /// named and nobody answers at that socket: this machine itself, if it can.
    ///
    /// # Errors
    /// The context does not exist or its TLS material is incomplete.
    fn default_host(&self, context: Option<&str>) -> Result<DefaultHost, Trouble>;

    /// This machine itself, without an engine.
    fn embedded_host(&self) -> DefaultHost;

    /// Asks a host who and how it is.
    ///
    /// # Errors
    /// It cannot be reached, refuses us, or is of a kind that this binary does not know.
    async fn probe(&self, host: &Host) -> Result<HostFacts, Trouble>;

    /// How many workers of this store run on this machine; `None` where that cannot be told.
    fn workers_here(&self, store: &Store) -> Option<usize>;

    /// What a spec asks for that the host's kind can never honour, in the user's words.
    fn unsupported(&self, host: &Host, spec: &JobSpec) -> Vec<String>;

    /// The images on a host.
    ///
    /// # Errors
    /// The host cannot be asked.
    async fn images(&self, host: &Host) -> Result<Vec<Image>, Trouble>;

    /// Brings an image to a host, in turn where the registry limits pulls. An image that a host of
    /// this store did not have is the pool's to remove.
    ///
    /// # Errors
    /// The host or the registry refuses or does not answer, or not in time.
    async fn pull(
        &self,
        store: &Store,
        host: &Host,
        wish: PullWish,
        told: Told,
    ) -> Result<Image, Trouble>;

    /// Brings all images of an archive or of an OCI layout to a host; `name` is for an archive of one.
    ///
    /// # Errors
    /// It cannot be read, or hosts of this kind do not take it.
    async fn import_images(
        &self,
        host: &Host,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, Trouble>;

    /// Takes a name away from an image of a host, and the image with its last one; was it there?
    ///
    /// # Errors
    /// The host cannot be asked, or a container uses the image.
    async fn remove_image(&self, host: &Host, image: &ImageReference) -> Result<bool, Trouble>;

    /// The images that longshore pulled to a host, and which of them may go. With
    /// [`Cleanup::Apply`] those are removed.
    ///
    /// # Errors
    /// The host cannot be asked. Single images that could not be removed are lines of the answer.
    async fn collect_images(
        &self,
        store: &Store,
        host: &Host,
        keep: Keep,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble>;

    /// Direct container operations on the hosts and jobs of this store; `on_pull` is told about the
    /// pulls that they need.
    fn docker_service(&self, store: &Store, on_pull: OnJobPull) -> DockerService;

    /// The handle of a container on a Docker host, by the engine's full id; for those that another
    /// system made.
    fn to_handle(&self, engine_id: &str) -> Handle;

    /// What is left on a host of jobs that ended, and everything else there that looks like it.
    /// With [`Cleanup::Apply`] it is removed; foreign things never are.
    ///
    /// # Errors
    /// The host cannot be asked. Single things that could not be removed are lines of the answer.
    async fn cleanup(
        &self,
        store: &Store,
        host: &Host,
        cleanup: Cleanup,
    ) -> Result<Vec<Leftover>, Trouble>;
}

/// How a worker shall work.
#[derive(Clone, Default)]
pub struct WorkerOptions {
    /// Most attempts at one time in this worker, beside the slots of each host; `None` is no bound.
    pub slots: Option<u32>,
    /// Claim nothing but this job; what dead workers left behind may be taken over all the same.
    pub only_job: Option<JobId>,
    /// End by itself when no job is left to move.
    pub exit_when_empty: bool,
    /// Told about the pulls that this worker makes for its jobs; may stay silent.
    pub on_pull: Option<OnJobPull>,
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerOptions")
            .field("slots", &self.slots)
            .field("only_job", &self.only_job)
            .field("exit_when_empty", &self.exit_when_empty)
            .finish_non_exhaustive()
    }
}

/// How a worker is told to stop; it only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    Never,
    /// Claim nothing more, finish what runs, then leave.
    Drain,
    /// Release the leases and leave running containers for the next worker.
    Leave,
}

/// The host that the environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultHost {
    /// Name to register it under, such as the name of the context.
    pub name: String,
    /// Which executor speaks to it.
    pub kind: HostKind,
    /// How it is reached.
    pub endpoint: Endpoint,
    /// What people should know of the choice.
    pub note: Option<String>,
}

/// A pull that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullWish {
    /// What.
    pub image: ImageReference,
    /// For which platform, if not the host's own.
    pub platform: Option<Platform>,
}

/// Whether a cleanup only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Looks.
    Plan,
    /// Removes.
    Apply,
}

/// One thing on a host that a cleanup looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, such as `container longshore-0192…`.
    pub what: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Why, in whole words.
    pub why: String,
}

/// What becomes of a thing in a cleanup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It would be removed.
    Planned,
    /// It was removed.
    Removed,
    /// It could not be removed.
    Failed,
    /// It is ours and still needed.
    Kept,
    /// It is not ours: never touched.
    Foreign,
}

impl Fate {
    /// The word in tables and in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "would remove",
            Self::Removed => "removed",
            Self::Failed => "failed",
            Self::Kept => "kept",
            Self::Foreign => "foreign",
        }
    }
}

/// Something outside does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {said}")]
pub struct Trouble {
    /// What was tried, and where: `cannot reach host local`.
    pub what: String,
    /// What came back.
    pub said: String,
    /// What to do about it.
    pub hint: Option<String>,
}
