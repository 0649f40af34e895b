//! Containers that really run: each test has a folder of its own and leaves nothing behind.
#![expect(clippy::unwrap_used, reason = "the steps of tests are tests, too")]

mod beside_docker;
mod by_runc;
mod death;
mod files;
mod ground;
mod life;
mod privileged;
mod read_only;
