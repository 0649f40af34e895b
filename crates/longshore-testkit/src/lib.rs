//! longshore-testkit: to be filled.
