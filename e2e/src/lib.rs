//! Whole-binary stories live in `tests/`.

pub mod at_once;
pub mod by_hand;
pub mod chaos;
pub mod drill;
mod embedded;
pub mod made_image;
mod process;
pub mod wall_clock;
