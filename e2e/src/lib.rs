//! Whole-binary stories live in `tests/`.

pub mod at_once;
pub mod by_hand;
pub mod chaos;
pub mod drill;
mod embedded;
mod process;
pub mod wall_clock;
