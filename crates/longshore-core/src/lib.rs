//! longshore-core: to be filled.
