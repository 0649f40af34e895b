//! Whole-binary stories live in `tests/`.

pub mod by_hand;
pub mod chaos;
pub mod drill;
mod process;
