//! Logs: numbered, compressed chunks in an object store, one folder an attempt.
//!
//! A *chunk* holds frames in their order. The last one is *open*: it is rewritten as it grows, until
//! it is *sealed* and the next begins. A *gap* is what is missing between two chunks; readers see a
//! note in its place. A log that is being written in this process is *live*: its readers need not
//! wait for the object store.

mod chunk;
mod error;
mod folder;
mod live;
mod query;
mod read;
mod recover;
mod store;
mod tail;
mod totals;
mod walk;
mod write;
mod writer;

pub use error::LogError;
pub use query::LogQuery;
pub use store::LogStore;
pub use totals::LogTotals;
pub use writer::LogWriter;
