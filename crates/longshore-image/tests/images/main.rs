//! Images of real registries and of archives, in stores of their own.
#![expect(clippy::unwrap_used, reason = "the steps of tests are tests, too")]

mod built;
mod collections;
mod imports;
mod killed;
mod mounted;
mod pulls;
mod registries;
mod scene;
mod troubles;
