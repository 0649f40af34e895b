//! Measurements, side by side.
fn main() {}
