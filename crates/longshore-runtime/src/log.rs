//! A container's output: how its supervisor keeps it, and how others read it.

mod form;
mod lines;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use lines::Lines;
pub use reader::LogFile;
pub(crate) use writer::LogWriter;
