//! What any place that runs containers must offer: the port, a mock with knobs, a contract suite.
//! And what everybody needs who calls executors: one executor a host ([`ExecutorPool`]), one event
//! stream a host ([`HostWatch`]), a look at a container with what its end is judged by
//! ([`Observer`]), its counters ([`Meter`]), its log behind what is kept of it ([`LogReader`]), and
//! the image that it needs ([`bring()`]).
//!
//! Contract of every method: idempotent and cancel-safe; it has a deadline of its own (from
//! `longshore_core::limits`) and never hangs; something that is not there is a value, not an
//! error; an error says whose fault it is by its [`Fault`].

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use longshore_core::attempt::Observed;
use longshore_core::fault::Fault;
use longshore_core::host::HostFacts;
use longshore_core::image::{Image, PullProgress};
use longshore_core::launch::{Handle, Launch};
use longshore_core::log::Frame;
use longshore_core::spec::{ImageReference, JobSpec, Platform};
use longshore_core::usage::Sample;
use longshore_core::{AttemptId, JobId, PoolId};

mod alignment;
mod bring;
#[cfg(feature = "contract")]
pub mod contract;
mod credentials;
mod error;
mod host_watch;
mod inventory;
mod log_reader;
mod meter;
pub mod mock;
mod observer;
mod source;

pub use bring::{Brought, Wanted, bring, digest_of};
pub use credentials::{FoundCredential, credential_key, find_credential};
pub use error::ExecutorError;
pub use host_watch::{Hints, HostWatch, Listener};
pub use inventory::{ContainerState, Inventory, Listed, Resource, ResourceKind, Statistics, Which};
pub use log_reader::{Batches, Kept, LogReader, note};
pub use meter::Meter;
pub use observer::{EndedBy, Heard, Observer};
pub use source::{ExecutorPool, ExecutorSource, PerHost};

/// A shared executor of one host.
pub type SharedExecutor = Arc<dyn Executor>;

/// What an executor can do beyond running containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent powers, read one by one"
)]
pub struct Capabilities {
    /// Honours memory, CPU and process limits.
    pub resource_limits: bool,
    /// Can join named networks with aliases.
    pub networking: bool,
    /// Can mount named volumes.
    pub volumes: bool,
    /// Can mount folders of its host.
    pub bind_mounts: bool,
    /// Can hand GPUs to a container.
    pub gpu: bool,
}

/// A container of a pool, as found on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its handle.
    pub handle: Handle,
    /// The attempt that it was made for; `None` when its label cannot be read.
    pub attempt: Option<AttemptId>,
    /// The job that it was made for; `None` when its label cannot be read.
    pub job: Option<JobId>,
    /// Its name.
    pub name: String,
    /// When it was created, by the host's clock.
    pub created_at: Timestamp,
    /// Whether it runs at this moment.
    pub is_running: bool,
}

/// Something that happened to a container of the pool. A hint: events may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// Its main process ended.
    Exited(AttemptId),
    /// Somebody sent it this signal.
    Signalled(AttemptId, i32),
    /// It was removed.
    Removed(AttemptId),
}

/// Which part of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRange {
    /// From the first frame, and on until the container ends.
    Follow,
    /// From the first frame to what is there now.
    All,
    /// The last so many frames that are there now.
    Last(usize),
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It was there and is gone.
    Gone,
    /// There was nothing to remove.
    WasAbsent,
    /// The host is still at it; ask again.
    Pending,
}

/// A place that runs containers.
#[async_trait]
pub trait Executor: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// What a spec asks for that this executor cannot honour, in the user's words; refused at submit.
    fn unsupported(&self, spec: &JobSpec) -> Vec<String>;

    /// Asks the host who and how it is.
    async fn probe(&self) -> Result<HostFacts, ExecutorError>;

    /// Looks the attempt's container up by its name.
    async fn find(&self, attempt: AttemptId) -> Result<Option<Handle>, ExecutorError>;

    /// Creates the attempt's container, or adopts the one that an earlier call created.
    async fn create(&self, launch: &Launch) -> Result<Handle, ExecutorError>;

    /// Starts a container that was created; never runs an ended one again.
    async fn start(&self, handle: &Handle) -> Result<(), ExecutorError>;

    /// Whether a stream that follows a container's output from its start, and ends, has given all of it.
    /// Where it may have broken off without a word, the end is read once more.
    fn follows_to_the_end(&self) -> bool {
        false
    }

    /// Says how the container stands.
    async fn observe(&self, handle: &Handle) -> Result<Observed, ExecutorError>;

    /// All events of the pool's containers from now on, one stream a host. The stream ends with an
    /// error when the connection breaks; the caller opens it again and looks at everything.
    async fn events(
        &self,
        pool: PoolId,
    ) -> Result<BoxStream<'static, Result<HostEvent, ExecutorError>>, ExecutorError>;

    /// The container's output, frame by frame and in the engine's order. The frames of one
    /// container are the same at every reading, so that a reader can count them.
    async fn logs(
        &self,
        handle: &Handle,
        range: LogRange,
    ) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError>;

    /// Whether the engine was restarted since that moment of its own clock; without one, since the
    /// container's start, or since it was made if there is no record of a start. An engine that goes down takes along what it had read of the container's
    /// output and not yet written: no reading of the log shows that something is missing.
    async fn restarted_since(
        &self,
        handle: &Handle,
        since: Option<Timestamp>,
    ) -> Result<bool, ExecutorError>;

    /// Whether anybody sent the container a signal up to that moment of the engine's own clock, as far
    /// back as the engine remembers.
    async fn was_signalled(&self, handle: &Handle, until: Timestamp)
    -> Result<bool, ExecutorError>;

    /// Sends the stop signal, waits for the grace of the spec, kills. Returns when it has ended or
    /// had ended before. `grace_secs` overrides the container's own grace.
    async fn stop(&self, handle: &Handle, grace_secs: u32) -> Result<(), ExecutorError>;

    /// Removes an ended (or never started) container with its anonymous volumes; `force` kills first.
    async fn remove(&self, handle: &Handle, force: Force) -> Result<Removed, ExecutorError>;

    /// Every container on the host that carries exactly this pool's id.
    async fn list_owned(&self, pool: PoolId) -> Result<Vec<Owned>, ExecutorError>;

    /// Images, where the executor has any.
    fn images(&self) -> Option<&dyn Images>;

    /// Readings of a container's counters, where the executor has any.
    fn usage(&self) -> Option<&dyn UsageMeter>;

    /// Everything on the host, where the executor can tell.
    fn inventory(&self) -> Option<&dyn Inventory>;
}

/// Whether a removal may kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// A running container is left alone (an error of kind conflict).
    Never,
    /// A running container is killed first.
    Kill,
}

/// A pull that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// What.
    pub image: ImageReference,
    /// For which platform, if not the host's own.
    pub platform: Option<Platform>,
    /// Give up when nothing happens for so long.
    pub idle: std::time::Duration,
    /// Give up when not done after so long.
    pub total: std::time::Duration,
}

/// Receives the progress of a pull.
pub type OnProgress = Arc<dyn Fn(&PullProgress) + Send + Sync>;

/// Images of a host.
#[async_trait]
pub trait Images: Send + Sync {
    /// The image, if it is on the host.
    async fn image(&self, image: &ImageReference) -> Result<Option<Image>, ExecutorError>;

    /// Pulls it; concurrent pulls of one image are one pull. Returns what is then on the host.
    async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError>;

    /// All images of the host.
    async fn list(&self) -> Result<Vec<Image>, ExecutorError>;

    /// Removes an image unless something uses it.
    async fn remove(&self, image: &ImageReference) -> Result<Removed, ExecutorError>;

    /// Brings all images of an archive (as `docker save` writes it) or of an OCI layout from the disk
    /// of this process; `name` is for an archive of one image. An error of kind unsupported where
    /// the host has a way of its own.
    async fn import(
        &self,
        from: &Path,
        name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, ExecutorError>;
}

/// Reads the counters of running containers.
#[async_trait]
pub trait UsageMeter: Send + Sync {
    /// One reading; `None` when the container does not run.
    async fn sample(&self, handle: &Handle) -> Result<Option<Sample>, ExecutorError>;

    /// What a container used from its start to its end, where its host keeps that; `None` while it
    /// runs.
    async fn totals(&self, handle: &Handle) -> Result<Option<Sample>, ExecutorError>;
}

/// Shorthand used by executors.
pub(crate) type BoxedSource = Box<dyn std::error::Error + Send + Sync>;

impl From<Fault> for ExecutorError {
    fn from(fault: Fault) -> Self {
        Self::new(fault, fault.describe())
    }
}
