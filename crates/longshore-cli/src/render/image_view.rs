//! An image on a host, as `images list` shows it.

use jiff::Timestamp;
use longshore_core::image::Image;
use serde_json::{Value, json};

use crate::render::views::SCHEMA;

/// An image, and what the pool knows of it.
#[derive(Debug)]
pub(crate) struct ImageRow {
    /// The name of its host.
    pub(crate) host: String,
    /// It.
    pub(crate) image: Image,
    /// When an attempt last needed it; absent when longshore did not pull it.
    pub(crate) last_used_at: Option<Timestamp>,
}

impl ImageRow {
    /// Its form in `--json`.
    pub(crate) fn view(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "host": self.host,
            "image": self.image,
            "owner": self.owner(),
            "last_used_at": self.last_used_at,
        })
    }

    /// Who brought it there.
    pub(crate) fn owner(&self) -> &'static str {
        if self.last_used_at.is_some() {
            "longshore"
        } else {
            "other"
        }
    }
}
