//! Steps of a chore: a header each, timed, and a summary at the end.

/// Prints a line about what is done.
pub(crate) fn say(line: &str) {
    println!("    {line}");
}
