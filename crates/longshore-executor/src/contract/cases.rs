//! The cases by theme; each is an async function of a fixture and is a sentence.

mod creation;
mod inventory;
mod life;
mod logs;
mod observation;
mod removal;
mod resources;
mod stopping;

pub use creation::*;
pub use inventory::*;
pub use life::*;
pub use logs::*;
pub use observation::*;
pub use removal::*;
pub use resources::*;
pub use stopping::*;
