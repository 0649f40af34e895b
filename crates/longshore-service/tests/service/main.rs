//! `DockerService` with the mock executor and against real engines.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

mod bad_input;
mod bulk;
mod cleanup;
mod corners;
mod engine;
mod legacy_rows;
mod lives;
mod made;
mod mock;
mod old_container;
mod resources;
mod rig;
mod scene;
