//! longshore-executor-docker: to be filled.
