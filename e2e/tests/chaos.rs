//! A small storm of a known seed; `cargo xtask chaos` raises bigger ones.

use longshore_e2e::chaos::Storm;

#[test]
fn nothing_is_lost_doubled_leaked_or_misreported_in_a_storm() {
    let storm = Storm {
        seed: 20_261_125,
        jobs: 60,
        engines: 2,
        workers: 2,
        // Each way of falling has its test in `engine_restart.rs`.
        engines_fall: false,
    };
    let aftermath = storm.rage();
    assert!(aftermath.wrong.is_empty(), "{aftermath:#?}");
}
