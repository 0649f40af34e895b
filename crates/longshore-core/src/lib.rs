//! What a job, an attempt and a host *are*, and what may happen to them.
//!
//! Pure: no I/O, no async, no clock, no randomness. Whatever the rules need comes in as a parameter.

pub mod array;
pub mod attempt;
mod calendar;
mod causes;
pub mod census;
pub mod collection;
pub mod dependency;
pub mod event;
pub mod fault;
pub mod forecast;
pub mod health;
pub mod host;
pub mod ids;
pub mod image;
pub mod job;
pub mod lane;
pub mod launch;
pub mod legacy;
pub mod legacy_text;
pub mod limits;
pub mod log;
pub mod maintenance;
pub mod outcome;
pub mod pace;
pub mod placement;
pub mod retry;
pub mod schedule;
pub mod share;
pub mod spec;
pub mod turns;
pub mod usage;

pub use causes::with_causes;
pub use ids::{ArrayId, AttemptId, HostId, JobId, PoolId, WorkerId};
pub use jiff::Timestamp;
pub use spec::policy;
