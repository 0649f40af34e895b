//! Whole-binary stories live in `tests/`.
