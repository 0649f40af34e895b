//! Reads the database of django-container-manager, the system that longshore comes from, and takes
//! its hosts, environment templates and jobs over.
//!
//! Flow: open for reading alone → recognise the tables → rows as plain values → each in our words,
//! or the reason why it has none → the store. The old database is never changed.

mod address;
mod cells;
mod connection;
mod environment;
mod error;
mod hosts;
mod import;
mod networks;
mod old;
mod output;
mod remarks;
mod report;
mod standing;
mod tables;
mod wish;

pub use address::{Database, NoDatabase};
pub use error::ImportError;
pub use import::{Doing, Options, import};
pub use report::{Part, Remark, Report};
pub use tables::Layout;
