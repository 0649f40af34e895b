//! The log of one attempt: a pump while it runs, the rest after its exit.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::AttemptId;
use longshore_core::attempt::{Observed, Seen};
use longshore_core::fault::Fault;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_executor::SharedExecutor;
use longshore_store::{LogError, LogStore, LogTotals, LogWriter};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outputs::Outputs;
use crate::context::Context;
use crate::pump::{Past, Pump};

/// A follow stream ends with its container; one that does not is told to after so long.
const FOLLOW_ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Whose log, and where from.
pub(super) struct LogTask {
    pub(super) logs: LogStore,
    pub(super) executor: SharedExecutor,
    pub(super) attempt: AttemptId,
    pub(super) handle: Handle,
    pub(super) limit_bytes: u64,
    pub(super) past: Past,
}

/// Where the attempt's log stands.
#[derive(Default)]
pub(super) enum LogState {
    /// Nothing was read yet.
    #[default]
    Untouched,
    /// A task follows the container's output.
    Following {
        stop: CancellationToken,
        task: JoinHandle<Option<Pump>>,
    },
    /// The follow stream ended, or was never opened.
    Still(Box<Pump>),
}

impl LogTask {
    async fn open(&self) -> Result<Pump, LogError> {
        let writer = match self.past {
            Past::Whole => LogWriter::begin(&self.logs, self.attempt, self.limit_bytes)?,
            Past::Doubtful => LogWriter::open(&self.logs, self.attempt, self.limit_bytes).await?,
        };
        let executor = Arc::clone(&self.executor);
        let (handle, past) = (self.handle.clone(), self.past);
        Ok(Pump::new(executor, handle, writer, past))
    }

    /// Begins to follow; rings when the output has come to its end.
    pub(super) fn follow(self, context: &Context, ended: Arc<Notify>) -> LogState {
        let stop = CancellationToken::new();
        let told = stop.clone();
        let task = context.tasks.spawn(async move {
            let pump = self.follow_on(told).await;
            ended.notify_one();
            pump
        });
        LogState::Following { stop, task }
    }

    /// Follows to the end. A log store that fails is tried again: the engine has the log meanwhile.
    async fn follow_on(mut self, stop: CancellationToken) -> Option<Pump> {
        let mut pause = limits::RETRY_CALL_FIRST;
        while !stop.is_cancelled() {
            let followed = match self.open().await {
                Ok(pump) => pump.run(stop.clone()).await,
                Err(error) => Err(error),
            };
            match followed {
                Ok(pump) => return Some(pump),
                Err(error) => {
                    tracing::error!(error = %error, "the log cannot be written; trying again");
                    self.past = Past::Doubtful;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(limits::RETRY_CALL_LAST);
        }
        None
    }
}

/// Reads what is left of the log. The attempt's end is known; nothing waits but its readers.
pub(super) async fn drain(task: &LogTask, outputs: &Outputs) -> Seen {
    let mut state = outputs.log().await;
    let mut pump = match still(std::mem::take(&mut *state), task).await {
        Ok(pump) => pump,
        Err(error) => return Seen::Failed(Fault::Internal, error.to_string()),
    };
    let result = pump.complete().await;
    let seen = match result {
        Ok(Ok(())) => Seen::Drained,
        Ok(Err(error)) if error.fault().is_silence() && !outputs.is_draining_too_long() => {
            Seen::from(&error)
        }
        Ok(Err(error)) => match task.executor.observe(&task.handle).await {
            Ok(Observed::Absent) | Err(_) => {
                let why = format!("the rest of the output was lost: {error}");
                match pump.gap(&why).await {
                    Ok(()) => Seen::Drained,
                    Err(error) => Seen::Failed(Fault::Internal, error.to_string()),
                }
            }
            Ok(_) => Seen::from(&error),
        },
        Err(error) => Seen::Failed(Fault::Internal, error.to_string()),
    };
    *state = LogState::Still(Box::new(pump));
    seen
}

/// The pump at rest.
async fn still(state: LogState, task: &LogTask) -> Result<Pump, LogError> {
    match state {
        LogState::Untouched => task.open().await,
        LogState::Still(pump) => Ok(*pump),
        LogState::Following {
            stop,
            task: mut following,
        } => {
            let ended =
                tokio::time::timeout_at(Instant::now() + FOLLOW_ENDS_WITHIN, &mut following).await;
            let joined = if let Ok(joined) = ended {
                joined
            } else {
                stop.cancel();
                following.await
            };
            match joined {
                Ok(Some(pump)) => Ok(pump),
                // Its writer is gone; what it kept is in the store.
                Ok(None) | Err(_) => task.open().await,
            }
        }
    }
}

/// Ends the log and says how much it is.
pub(super) async fn totals(state: LogState) -> Result<LogTotals, LogError> {
    match state {
        LogState::Untouched => Ok(LogTotals::default()),
        LogState::Still(pump) => pump.writer.finish().await,
        LogState::Following { stop, task } => {
            stop.cancel();
            match task.await {
                Ok(Some(pump)) => pump.writer.finish().await,
                Ok(None) | Err(_) => Ok(LogTotals::default()),
            }
        }
    }
}

/// Leaves the log for the next worker: what was read is kept.
pub(super) async fn leave(state: LogState) {
    if let LogState::Following { stop, task } = state {
        stop.cancel();
        // The writer stores what it has when it is dropped.
        drop(task.await);
    }
}
