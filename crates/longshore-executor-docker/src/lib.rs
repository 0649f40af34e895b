//! The executor that speaks to a Docker Engine.
//!
//! Words: a *route* leads to an engine, a *call* is one request to it, a *failure* is a call that
//! went wrong before it is known whose fault that is.

mod body;
mod client;
mod connection;
pub mod context;
mod create;
mod ending;
mod events;
mod executor;
mod failure;
mod faults;
mod frames;
mod handle;
mod images;
mod lines;
mod listing;
mod logs;
mod memory;
mod mend;
mod observe;
mod options;
mod probe;
mod progress;
mod pull;
mod registry_auth;
mod resources;
mod shown;
mod start;
mod statistics;
mod usage;
mod version;

pub use executor::DockerExecutor;
pub use handle::handle;
pub use options::{Deadlines, DockerOptions};
