//! The binary: configuration, wiring, exit code.
fn main() {}
