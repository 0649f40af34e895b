//! One module per table: its statements, and the way from rows to the domain's types and back.
//!
//! Statements are texts that SQLite and PostgreSQL both take.

pub(crate) mod arrays;
pub(crate) mod attempts;
pub(crate) mod dependencies;
pub(crate) mod events;
pub(crate) mod firings;
pub(crate) mod host_health;
pub(crate) mod hosts;
pub(crate) mod jobs;
pub(crate) mod labels;
pub(crate) mod lanes;
pub(crate) mod paused_queues;
pub(crate) mod pulled_images;
pub(crate) mod registry_paces;
pub(crate) mod schedules;
pub(crate) mod settings;
pub(crate) mod standings;
pub(crate) mod templates;
