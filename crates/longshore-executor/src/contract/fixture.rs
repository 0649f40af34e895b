//! What an adapter hands to the contract, and the steps that its cases are made of.

use std::any::Any;
use std::time::Duration;

use futures::{Stream, StreamExt};
use longshore_core::attempt::{Exit, Observed};
use longshore_core::launch::{Handle, Launch};
use longshore_core::log::{Frame, Stream as LogStream};
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_core::{AttemptId, JobId, PoolId};
use uuid::Uuid;

use super::Program;
use crate::{ExecutorError, Force, LogRange, Removed, Resource, ResourceKind, SharedExecutor};

/// Whatever takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Turns a spec for the fixture's image into one that runs this program.
type Prepare = Box<dyn Fn(&Program, &mut JobSpec) + Send + Sync>;
/// Leaves something of this kind on the host that carries this pool's label, and says its name.
type Leave = Box<dyn Fn(ResourceKind, PoolId) -> String + Send + Sync>;

/// An executor with a host to test on, and a pool that belongs to one case alone.
pub struct Fixture {
    /// The executor under test.
    pub executor: SharedExecutor,
    /// The pool of this case.
    pub pool: PoolId,
    image: ImageReference,
    missing_image: ImageReference,
    prepare: Prepare,
    leave: Option<Leave>,
    keep: Option<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// `image` is on the host and can run every [`Program`]; `missing_image` is not there.
    /// `prepare` writes a program into a spec: for real hosts, [`Program::argv`] as its command.
    pub fn new(
        executor: SharedExecutor,
        image: ImageReference,
        missing_image: ImageReference,
        prepare: impl Fn(&Program, &mut JobSpec) + Send + Sync + 'static,
    ) -> Self {
        let pool = PoolId::new(Uuid::new_v4());
        Self {
            executor,
            pool,
            image,
            missing_image,
            prepare: Box::new(prepare),
            leave: None,
            keep: None,
        }
    }

    /// For executors with an inventory: leaves a volume, network or image of this pool on the host
    /// and says its name, by which a job can ask for it.
    #[must_use]
    pub fn leaving(
        mut self,
        leave: impl Fn(ResourceKind, PoolId) -> String + Send + Sync + 'static,
    ) -> Self {
        self.leave = Some(Box::new(leave));
        self
    }

    /// Keeps something alive as long as the fixture, such as the engine under test.
    #[must_use]
    pub fn keeping(mut self, kept: impl Any + Send + Sync) -> Self {
        self.keep = Some(Box::new(kept));
        self
    }

    /// A new attempt of a new job that runs this program.
    pub fn launch(&self, program: &Program) -> Launch {
        let mut spec = JobSpec::new(self.image.clone());
        (self.prepare)(program, &mut spec);
        Launch {
            pool: self.pool,
            job: JobId::new(Uuid::now_v7()),
            attempt: AttemptId::new(Uuid::now_v7()),
            host: "contract".into(),
            image: spec.image.clone(),
            spec,
            legacy: None,
        }
    }

    /// The same for the image that is missing.
    pub fn launch_of_missing_image(&self) -> Launch {
        let mut launch = self.launch(&Program::ExitWith(0));
        launch.image = self.missing_image.clone();
        launch.spec.image = self.missing_image.clone();
        launch
    }

    /// Leaves something on the host and finds it again.
    pub(super) async fn left(&self, kind: ResourceKind) -> Resource {
        let leave = self.leave.as_ref();
        let leave = leave.expect("a fixture with an inventory says how to leave something behind");
        let name = leave(kind, self.pool);
        let all = self.resources(self.pool).await;
        let mut wanted = all.into_iter();
        wanted
            .find(|left| left.kind == kind && left.name == name)
            .unwrap_or_else(|| panic!("{kind} {name} is listed"))
    }

    pub(super) async fn resources(&self, pool: PoolId) -> Vec<Resource> {
        let inventory = self.executor.inventory().expect("asked for by few cases");
        let resources = inventory.resources(pool).await;
        resources.expect("lists the resources")
    }

    pub(super) async fn create(&self, launch: &Launch) -> Handle {
        self.executor
            .create(launch)
            .await
            .expect("creates the container")
    }

    pub(super) async fn start(&self, handle: &Handle) {
        self.executor
            .start(handle)
            .await
            .expect("starts the container");
    }

    /// A container that runs this program, or has run it already.
    pub(super) async fn started(&self, program: &Program) -> (Launch, Handle) {
        let launch = self.launch(program);
        let handle = self.create(&launch).await;
        self.start(&handle).await;
        (launch, handle)
    }

    /// A container that has run this program.
    pub(super) async fn ended(&self, program: &Program) -> (Launch, Handle) {
        let (launch, handle) = self.started(program).await;
        self.exit(&handle).await;
        (launch, handle)
    }

    pub(super) async fn observe(&self, handle: &Handle) -> Observed {
        self.executor
            .observe(handle)
            .await
            .expect("observes the container")
    }

    /// Lets the host's clock move, so that whatever happens next has another time stamp.
    pub(super) async fn let_the_clock_move(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    /// Looks until the container has ended.
    pub(super) async fn exit(&self, handle: &Handle) -> Exit {
        patiently("the container ends", async {
            loop {
                if let Observed::Exited(exit) = self.observe(handle).await {
                    return exit;
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await
    }

    /// The end of a container that must have ended by now.
    pub(super) async fn exit_now(&self, handle: &Handle) -> Exit {
        let observed = self.observe(handle).await;
        let Observed::Exited(exit) = observed else {
            panic!("has ended: {observed:?}")
        };
        exit
    }

    /// Looks until the container has printed something.
    pub(super) async fn printed(&self, handle: &Handle) {
        patiently("the container prints", async {
            while self.log(handle, LogRange::All).await.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    }

    /// Reads a log to its end.
    pub(super) async fn log(&self, handle: &Handle, range: LogRange) -> Vec<Frame> {
        patiently("the log is read", async {
            let frames = self
                .executor
                .logs(handle, range)
                .await
                .expect("opens the log");
            frames
                .map(|frame| frame.expect("reads a frame"))
                .collect()
                .await
        })
        .await
    }

    pub(super) async fn stop(&self, handle: &Handle, grace_secs: u32) {
        self.executor
            .stop(handle, grace_secs)
            .await
            .expect("stops the container");
    }

    /// Asks for the removal until it is not pending any more.
    pub(super) async fn remove(&self, handle: &Handle, force: Force) -> Removed {
        patiently("the container is removed", async {
            let mut was_pending = false;
            loop {
                match self
                    .executor
                    .remove(handle, force)
                    .await
                    .expect("removes the container")
                {
                    Removed::Pending => was_pending = true,
                    Removed::WasAbsent if was_pending => return Removed::Gone,
                    removed @ (Removed::Gone | Removed::WasAbsent) => return removed,
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await
    }

    /// Removes everything of the case's pool.
    pub(super) async fn clear(&self) {
        self.clear_pool(self.pool).await;
    }

    pub(super) async fn clear_pool(&self, pool: PoolId) {
        for owned in self
            .executor
            .list_owned(pool)
            .await
            .expect("lists the pool")
        {
            self.remove(&owned.handle, Force::Kill).await;
        }
        let Some(inventory) = self.executor.inventory() else {
            return;
        };
        for resource in self.resources(pool).await {
            let removed = inventory.remove_resource(&resource).await;
            removed.expect("removes what the case left");
        }
    }
}

/// The bytes of one stream of a log.
pub(super) fn bytes_of(frames: &[Frame], stream: LogStream) -> Vec<u8> {
    let own = frames.iter().filter(|frame| frame.stream == stream);
    own.flat_map(|frame| frame.bytes.iter().copied()).collect()
}

/// The first item that is wanted, and everything that came before it.
pub(super) async fn read_until<T: Clone>(
    mut items: impl Stream<Item = Result<T, ExecutorError>> + Unpin,
    is_wanted: impl Fn(&T) -> bool,
) -> Vec<T> {
    patiently("the event arrives", async {
        let mut read = Vec::new();
        loop {
            let item = items
                .next()
                .await
                .expect("the stream goes on")
                .expect("reads an item");
            read.push(item.clone());
            if is_wanted(&item) {
                return read;
            }
        }
    })
    .await
}

/// Fails when this does not happen in good time.
pub(super) async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("within {PATIENCE:?}: {what}"))
}
