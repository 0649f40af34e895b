//! Small storms of known seeds; `cargo xtask chaos` raises bigger ones.

use longshore_e2e::chaos::{StoreKind, Storm};

/// Each way in which an engine falls has its test in `engine_restart.rs`.
fn leaves_true_books(kept_in: StoreKind, jobs: usize) {
    let storm = Storm {
        seed: 20_261_125,
        jobs,
        engines: 2,
        workers: 2,
        engines_fall: false,
        store: kept_in,
    };
    let aftermath = storm.rage();
    assert!(aftermath.wrong.is_empty(), "{aftermath:#?}");
}

#[test]
fn a_storm_over_a_file_leaves_true_books() {
    leaves_true_books(StoreKind::Sqlite, 60);
}

#[test]
fn a_storm_over_a_database_leaves_true_books() {
    leaves_true_books(StoreKind::Postgres, 40);
}
