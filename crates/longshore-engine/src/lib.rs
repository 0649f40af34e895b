//! Who moves jobs: services that read wishes from the store and act through executors.
//!
//! Each service has one shape: woken by a signal, with a period as fallback, idempotent, safe to
//! kill between any two lines. Terms: a *worker* is one start of one process that moves jobs; a
//! *supervisor* is the task that moves one attempt; the *host watch* is the one event stream of a
//! host; to *adopt* is to take over an attempt whose worker is gone.

mod canary;
mod census;
mod clock;
mod collection;
mod context;
mod dispatcher;
mod health;
mod janitor;
mod keeper;
mod knowledge;
mod news;
mod options;
mod places;
mod presence;
mod prewarm;
mod pump;
mod reaper;
mod reconciler;
mod scheduler;
mod shelf;
mod supervisor;
mod sweep;
mod turns;
mod worker;

pub use clock::{Clock, SystemClock};
pub use collection::{Shelved, collect_images};
pub use options::{OnJobPull, WorkerOptions};
pub use presence::count_alive;
pub use prewarm::{Told, prewarm};
pub use sweep::{Doing, Found, Keeping, SweepError, sweep};
pub use worker::{Stop, Worker, WorkerError};
