//! Reads a running container's counters from time to time and keeps the totals.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_core::launch::Handle;
use longshore_core::limits;
use longshore_core::usage::{Sample, Usage};
use tokio_util::sync::CancellationToken;

use crate::SharedExecutor;

/// The totals of one attempt so far.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    /// The totals, if anything was read at all.
    pub fn totals(&self) -> Option<Usage> {
        let usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (usage.samples > 0).then(|| usage.clone())
    }

    /// Reads until told to stop or until the container runs no more.
    pub async fn run(
        self,
        executor: SharedExecutor,
        handle: Handle,
        started_at: Timestamp,
        stop: CancellationToken,
    ) {
        let mut pause = limits::USAGE_FIRST;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let Some(counters) = executor.usage() else {
                return;
            };
            let sample = tokio::select! {
                () = stop.cancelled() => return,
                sample = counters.sample(&handle) => sample,
            };
            match sample {
                Ok(Some(sample)) => self.add(&sample, started_at),
                Ok(None) => return,
                Err(error) => tracing::debug!(error = %error, "the counters cannot be read"),
            }
            pause = (pause * 2).min(limits::USAGE_PERIOD);
        }
    }

    /// Takes in what a container that has ended used in all, where its host keeps that.
    pub async fn close(&self, executor: &SharedExecutor, handle: &Handle, started_at: Timestamp) {
        let Some(counters) = executor.usage() else {
            return;
        };
        match counters.totals(handle).await {
            Ok(Some(sample)) => self.add(&sample, started_at),
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "the totals cannot be read"),
        }
    }

    fn add(&self, sample: &Sample, started_at: Timestamp) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usage.add(sample, started_at);
    }
}
