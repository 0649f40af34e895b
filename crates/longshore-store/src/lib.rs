//! Where jobs live: rows in SQLite or PostgreSQL, logs in an object store.
//!
//! One [`Store`] serves every process of a pool. State changes only through named transitions; each
//! names the state and the attempt that it expects, and is durable when it is acknowledged. Nothing
//! here decides by a clock: whoever calls says what time it is, and may ask what the server's shows.

mod bell;
mod changes;
mod columns;
mod database;
mod dependents;
mod direct;
mod dispatch;
mod error;
mod firing;
mod health;
mod history;
mod import;
mod leases;
mod listening;
mod location;
mod log_place;
mod logs;
#[cfg(test)]
mod migration_tests;
mod opening;
mod operation;
mod paces;
mod places;
#[cfg(test)]
mod plans;
mod pool;
mod postgres;
mod pulls;
mod queue;
mod reads;
mod reports;
mod resolve;
mod retention;
mod rows;
mod runs;
mod schedule;
mod schedules;
mod server_clock;
mod set;
mod shared_logs;
mod signal;
mod silences;
mod sqlite;
mod sqlite_readers;
mod statement;
mod store;
mod submit;
mod transactions;
mod transitions;
mod values;
mod wishes;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use changes::Changes;
pub use dependents::Wait;
pub use direct::Begun;
pub use dispatch::HostLoad;
pub use error::StoreError;
pub use firing::FreshId;
pub use history::{ImportedAttempt, ImportedJob, ImportedState};
pub use import::Imported;
pub use location::{DatabaseUrl, DatabaseUrlError, Location, Served};
pub use log_place::{BucketUrl, BucketUrlError, LogPlace};
pub use logs::{LogError, LogQuery, LogStore, LogTotals, LogWriter};
pub use queue::QueueStanding;
pub use reports::{End, ImageSeen, Untold};
pub use resolve::ResolveError;
pub use rows::attempts::change::Fenced;
pub use rows::attempts::lead::Claim;
pub use rows::dependencies::Waited;
pub use rows::events::EventFilter;
pub use rows::firings::{Brought, Firing};
pub use rows::host_health::HostStanding;
pub use rows::hosts::HostReport;
pub use rows::jobs::{JobCursor, JobFilter};
pub use rows::paused_queues::Pause;
pub use rows::pulled_images::PulledImage;
pub use rows::standings::{AttemptStanding, Standing};
pub use rows::templates::Template;
pub use runs::RunUnderWay;
pub use silences::Silence;
pub use store::Store;
pub use submit::{NewJob, OfArray, Submitted};
pub use wishes::{CancelAnswer, RetryAnswer};
