//! The Docker executor against real engines.
#![expect(clippy::unwrap_used, reason = "the steps of tests are tests, too")]

mod doors;
mod ends;
mod exits;
mod false_engine;
mod fields;
mod happenings;
mod identity;
mod inventory;
mod leftovers;
mod logs;
mod pulls;
mod readings;
mod scene;
