//! Whole-binary stories live in `tests/`.

pub mod by_hand;
pub mod drill;
mod process;
