//! longshore-cli: to be filled.
