//! One worker: all services together, from start to the shutdown ladder.

use std::sync::Arc;

use longshore_core::{JobId, WorkerId};
use longshore_executor::{ExecutorPool, ExecutorSource};
use longshore_store::{Store, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::{Clock, ServerClock, SystemClock};
use crate::context::{Context, Parts, Remains};
use crate::options::WorkerOptions;
use crate::presence::Presence;
use crate::{collection, dispatcher, health, janitor, keeper, reaper, reconciler, scheduler};

/// The shutdown ladder: each step includes the one before.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// No new claims; what runs is moved to its end.
    pub drain: CancellationToken,
    /// Leave now: containers run on, leases are given back, the next worker goes on.
    pub leave: CancellationToken,
}

/// A worker could not start.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store cannot be used.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// The worker cannot announce itself.
    #[error("the worker cannot announce itself")]
    Presence(#[source] std::io::Error),
}

/// A worker that has not started.
pub struct Worker {
    store: Store,
    source: Arc<dyn ExecutorSource>,
    clock: Option<Arc<dyn Clock>>,
    options: WorkerOptions,
}

impl Worker {
    /// A worker on this store, with these executors. It goes by the clock of the store's server, or of
    /// this machine if there is none.
    pub fn new(store: Store, source: Arc<dyn ExecutorSource>, options: WorkerOptions) -> Self {
        Self {
            store,
            source,
            clock: None,
            options,
        }
    }

    /// Reads the time elsewhere.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Moves jobs until told to stop.
    ///
    /// Guarantees: when it returns nothing of it runs any more; attempts that are under way carry
    /// no lease, so that the next worker takes them at once. Being stopped is never a failure of
    /// a job.
    ///
    /// # Errors
    /// The store cannot be used at the start.
    pub async fn run(self, stop: Stop) -> Result<(), WorkerError> {
        let worker = WorkerId::new(Uuid::new_v4());
        let presence = match &self.options.presence {
            Some(folder) => {
                Some(Presence::announce(folder, worker).map_err(WorkerError::Presence)?)
            }
            None => None,
        };
        let served = match &self.clock {
            Some(_) => None,
            None => ServerClock::of(&self.store).await?.map(Arc::new),
        };
        let (remains, buried) = mpsc::unbounded_channel();
        let context = Arc::new(Context::new(Parts {
            store: self.store,
            clock: clock(self.clock, served.as_ref()),
            worker,
            options: self.options,
            executors: ExecutorPool::new(self.source),
            remains,
        }));
        context.refresh_hosts(context.store.hosts().await?);
        if let Some(served) = served {
            let owner = Arc::clone(&context);
            context.spawn(async move {
                tokio::select! {
                    () = owner.leave.cancelled() => {}
                    () = served.keep_right(&owner.store) => {}
                }
            });
        }
        let takers = start_services(&context, buried);
        tracing::debug!(worker.id = %worker, "worker started");
        wait_for_end(&context, takers, &stop).await;
        context.closing.cancel();
        context.leave.cancel();
        context.tasks.close();
        context.tasks.wait().await;
        if let Err(error) = context.store.release(worker, context.now()).await {
            tracing::warn!(error = %error, "leases could not be given back; they pass by themselves");
        }
        drop(presence);
        Ok(())
    }
}

/// The clock that was given, else the server's, else the machine's.
fn clock(given: Option<Arc<dyn Clock>>, served: Option<&Arc<ServerClock>>) -> Arc<dyn Clock> {
    match (given, served) {
        (Some(given), _) => given,
        (None, Some(served)) => Arc::<ServerClock>::clone(served),
        (None, None) => Arc::new(SystemClock),
    }
}

/// Starts everything, and answers with the services that take attempts up.
fn start_services(context: &Arc<Context>, buried: mpsc::UnboundedReceiver<Remains>) -> JoinSet<()> {
    let mut takers = JoinSet::new();
    takers.spawn(
        context
            .tasks
            .track_future(dispatcher::run(Arc::clone(context))),
    );
    takers.spawn(
        context
            .tasks
            .track_future(reconciler::adopt(Arc::clone(context))),
    );
    context.spawn(scheduler::run(Arc::clone(context)));
    context.spawn(keeper::keep_leases(Arc::clone(context)));
    context.spawn(keeper::carry_wishes(Arc::clone(context)));
    context.spawn(reconciler::sweep_strays(Arc::clone(context)));
    context.spawn(janitor::run(Arc::clone(context)));
    if context.options.only_job.is_none() {
        context.spawn(collection::run(Arc::clone(context)));
    }
    context.spawn(health::run(Arc::clone(context)));
    context.spawn(reaper::run(Arc::clone(context), buried));
    takers
}

/// Waits for the ladder's last step that applies, or for idleness where that is wanted.
async fn wait_for_end(context: &Arc<Context>, takers: JoinSet<()>, stop: &Stop) {
    tokio::select! {
        () = stop.leave.cancelled() => {}
        () = stop.drain.cancelled() => {
            context.closing.cancel();
            tokio::select! {
                () = stop.leave.cancelled() => {}
                () = finish_what_runs(context, takers) => {}
            }
        }
        () = idle(context) => {}
    }
}

/// Waits until nothing more is taken up, and then until everything that was has ended.
async fn finish_what_runs(context: &Context, takers: JoinSet<()>) {
    takers.join_all().await;
    let mut active = context.active.subscribe();
    // The sender lives in the context.
    let _ = active.wait_for(|count| *count == 0).await;
}

/// Waits until nothing is left to do; for ever unless that is wanted.
async fn idle(context: &Context) {
    if !context.options.until_idle && context.options.only_job.is_none() {
        return std::future::pending().await;
    }
    let mut changes = context.store.changes();
    loop {
        match is_idle(context).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::error!(error = %error, "the store cannot be read; trying again"),
        }
        changes.changed().await;
    }
}

async fn is_idle(context: &Context) -> Result<bool, StoreError> {
    if let Some(job) = context.options.only_job {
        return is_done(context, job).await;
    }
    let is_open = context.store.has_open_jobs().await?;
    Ok(!is_open && context.store.unremoved(1, None).await?.is_empty())
}

/// Whether the job is final and none of its containers is left.
async fn is_done(context: &Context, job: JobId) -> Result<bool, StoreError> {
    if !context.store.job(job).await?.status.is_final() {
        return Ok(false);
    }
    let attempts = context.store.attempts(job).await?;
    Ok(attempts.iter().all(|attempt| attempt.removed_at.is_some()))
}
