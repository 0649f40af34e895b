//! longshore-engine: to be filled.
