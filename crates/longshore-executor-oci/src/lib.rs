//! The executor that runs OCI images on this machine, without an engine.
//!
//! It joins two rooms: `longshore-image` brings images and unpacks them, `longshore-runtime` runs
//! one container under one small supervisor. What is of neither is here: what Docker would make of
//! a job and an image together (`merge`), what cannot be honoured, named volumes, and what happens
//! to containers, heard by inotify (`lookout`).

mod create;
mod ending;
mod ends;
mod events;
mod executor;
mod faults;
mod ground;
mod handle;
mod image_config;
mod images;
mod listing;
mod logs;
mod lookout;
mod machine;
mod merge;
mod networks;
mod observe;
mod opened;
mod options;
mod probe;
mod refusals;
mod resources;
mod seen;
mod start;
mod statistics;
mod tags;
mod usage;
mod user;
mod volumes;

pub use executor::OciExecutor;
pub use machine::obstacles;
pub use networks::private_means;
pub use options::{OciOptions, usual_folder};
pub use user::short_of;
