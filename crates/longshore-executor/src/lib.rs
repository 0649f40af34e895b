//! longshore-executor: to be filled.
