//! What the legacy system left behind: labels on containers, and texts computed from logs.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

#[path = "legacy/labels.rs"]
mod labels;
#[path = "legacy/text.rs"]
mod text;
