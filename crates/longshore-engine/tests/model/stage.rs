//! The stage: one store, one mock host, and workers, each with a thread and a time of its own.
//!
//! The time of a worker's runtime stands still until the test moves it. All move together, and with
//! them the clock that the services and the mock read; a frozen worker's stands still, and is moved
//! by all that it missed when it thaws.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_core::host::Host;
use longshore_engine::{Clock, Stop, Worker, WorkerError, WorkerOptions};
use longshore_executor::mock::MockExecutor;
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_store::{Store, StoreError};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// The time of the play.
#[derive(Clone)]
pub(crate) struct PlayClock {
    base: Timestamp,
    moved_nanos: Arc<AtomicI64>,
}

impl PlayClock {
    pub(crate) fn new(base: Timestamp) -> Self {
        Self {
            base,
            moved_nanos: Arc::default(),
        }
    }

    /// What it showed at first.
    pub(crate) fn base(&self) -> Timestamp {
        self.base
    }

    pub(crate) fn advance(&self, by: Duration) {
        let nanos = i64::try_from(by.as_nanos()).unwrap();
        self.moved_nanos.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl Clock for PlayClock {
    fn now(&self) -> Timestamp {
        let moved = self.moved_nanos.load(Ordering::SeqCst);
        self.base + SignedDuration::from_nanos(moved)
    }
}

/// What the thread of a worker is told.
enum Cue {
    Advance(Duration, std_mpsc::Sender<()>),
    Leave,
}

/// A worker on its thread. Dropping it strikes it dead wherever it is.
pub(crate) struct Actor {
    cues: mpsc::UnboundedSender<Cue>,
    thread: Option<JoinHandle<()>>,
    missed: Option<Duration>,
}

/// How often other tasks have their turn after a step of time; what they ask of the store comes later.
const TURNS: usize = 16;

struct OneMock(MockExecutor);

impl ExecutorSource for OneMock {
    fn open(&self, _: &Host) -> Result<SharedExecutor, ExecutorError> {
        Ok(Arc::new(self.0.clone()))
    }
}

impl Actor {
    pub(crate) fn enter(folder: PathBuf, mock: MockExecutor, clock: PlayClock) -> Self {
        let (cues, heard) = mpsc::unbounded_channel();
        let (opened, is_open) = std_mpsc::channel();
        let thread = std::thread::spawn(move || act(&folder, mock, clock, heard, &opened));
        is_open.recv().unwrap();
        Self {
            cues,
            thread: Some(thread),
            missed: None,
        }
    }

    /// Moves its time on, unless it is frozen.
    pub(crate) fn advance(&mut self, by: Duration) {
        if let Some(missed) = &mut self.missed {
            *missed += by;
            return;
        }
        let (done, is_done) = std_mpsc::channel();
        if self.cues.send(Cue::Advance(by, done)).is_ok() {
            // One that has left is past caring.
            let _ = is_done.recv();
        }
    }

    pub(crate) fn freeze(&mut self) {
        self.missed.get_or_insert_default();
    }

    pub(crate) fn thaw(&mut self) {
        if let Some(missed) = self.missed.take() {
            self.advance(missed);
        }
    }

    /// Whether it has left, or never came.
    pub(crate) fn is_gone(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks it to leave in good order; whoever waits must move the time on meanwhile.
    pub(crate) fn leave(&self) {
        let _ = self.cues.send(Cue::Leave);
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let (cues, _) = mpsc::unbounded_channel();
        drop(std::mem::replace(&mut self.cues, cues));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                std::thread::panicking() || ended.is_ok(),
                "a worker panicked"
            );
        }
    }
}

fn act(
    folder: &Path,
    mock: MockExecutor,
    clock: PlayClock,
    mut heard: mpsc::UnboundedReceiver<Cue>,
    opened: &std_mpsc::Sender<()>,
) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    // As long as a blocking task runs, tokio does not move a paused clock by itself.
    let (brake, braked) = std_mpsc::channel::<()>();
    let _braking = runtime.spawn_blocking(move || braked.recv());
    runtime.block_on(async {
        let stop = Stop::default();
        let ladder = stop.clone();
        let worker = async {
            let store = Store::open(folder).await.unwrap();
            // The time stands still until now.
            opened.send(()).unwrap();
            let source = Arc::new(OneMock(mock));
            let worker = Worker::new(store, source, WorkerOptions::default());
            let ended = worker.with_clock(Arc::new(clock)).run(ladder).await;
            match ended {
                // A jump of time was too long for its first look at the store.
                Ok(()) | Err(WorkerError::Store(StoreError::Busy)) => {}
                Err(error) => panic!("{error:?}"),
            }
        };
        let cues = async {
            while let Some(cue) = heard.recv().await {
                match cue {
                    Cue::Advance(by, done) => {
                        advance(by).await;
                        let _ = done.send(());
                    }
                    Cue::Leave => stop.leave.cancel(),
                }
            }
        };
        tokio::select! {
            () = worker => {}
            () = cues => {}
        }
    });
    drop(brake);
    runtime.shutdown_background();
}

/// Moves the runtime's time on; what is due then has its turn.
async fn advance(by: Duration) {
    tokio::time::advance(by).await;
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
