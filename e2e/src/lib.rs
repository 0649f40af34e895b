//! Whole-binary stories live in `tests/`.

pub mod drill;
mod process;
