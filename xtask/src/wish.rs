//! What may be wished of something that tests share.

use clap::Subcommand;

/// A wish.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Wish {
    /// Start it unless it runs, with everything that tests need in it
    Up,
    /// End it and remove everything that it made
    Down,
    /// Say whether it runs
    Status,
}
