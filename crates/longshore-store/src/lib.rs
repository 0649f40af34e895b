//! longshore-store: to be filled.
