//! The embedded executor on this machine: real images, supervisors and control groups.
#![expect(clippy::unwrap_used, reason = "the steps of tests are tests, too")]

mod archives;
mod contract;
mod lives;
mod refused;
mod root;
mod scene;
mod shelf;
