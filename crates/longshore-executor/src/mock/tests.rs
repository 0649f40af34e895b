//! Each knob of the mock does what it says.
