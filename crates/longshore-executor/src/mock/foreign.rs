//! Containers on a mock host that were not created through it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_core::share::Share;
use longshore_core::spec::ImageReference;

use super::behaviour::Behaviour;

/// A container that somebody else made: another program, or a worker that nobody remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: ImageReference,
    /// Its labels; with those of a pool it is listed as the pool's.
    pub labels: BTreeMap<String, String>,
    /// How much CPU and memory it may use; 0 for no limit.
    pub limits: Share,
    /// When it was created; may be long before the mock was made.
    pub created_at: Timestamp,
    /// How it behaves since its creation, which was its start; `None` when it was never started.
    pub behaviour: Option<Behaviour>,
}
