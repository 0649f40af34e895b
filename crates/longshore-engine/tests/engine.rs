//! The engine with the mock executor: whole lives of jobs, with every kind of trouble.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

#[path = "engine/rig.rs"]
mod rig;

#[path = "engine/cancels.rs"]
mod cancels;
#[path = "engine/collection.rs"]
mod collection;
#[path = "engine/crashes.rs"]
mod crashes;
#[path = "engine/driven.rs"]
mod driven;
#[path = "engine/followers.rs"]
mod followers;
#[path = "engine/hosts.rs"]
mod hosts;
#[path = "engine/lives.rs"]
mod lives;
#[path = "engine/outages.rs"]
mod outages;
#[path = "engine/paces.rs"]
mod paces;
#[path = "engine/placement.rs"]
mod placement;
#[path = "engine/queue.rs"]
mod queue;
#[path = "engine/schedules.rs"]
mod schedules;
#[path = "engine/silence.rs"]
mod silence;
#[path = "engine/spread.rs"]
mod spread;
