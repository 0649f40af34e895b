//! Chores of the project: demo, test, ci, tidy, bench.
fn main() {}
