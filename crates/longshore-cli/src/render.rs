//! From values to what people and programs read. Nothing here asks or decides.

pub(crate) mod dead_view;
pub(crate) mod explanation;
pub(crate) mod frames;
pub(crate) mod host_view;
pub(crate) mod image_view;
pub(crate) mod import_view;
pub(crate) mod queue_view;
pub(crate) mod schedule_view;
pub(crate) mod silences;
pub(crate) mod spans;
pub(crate) mod tables;
pub(crate) mod timeline;
pub(crate) mod views;
