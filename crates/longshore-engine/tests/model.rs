//! A model test: store, workers and a mock host go through random operations, crashes, cuts and jumps
//! of time, on a time of their own that only the test moves; then the books must be right.
//!
//! `PROPTEST_CASES` says how many plays there are. A play that fails is made as short as it can be.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

#[path = "model/books.rs"]
mod books;
#[path = "model/play.rs"]
mod play;
#[path = "model/stage.rs"]
mod stage;

use proptest::prelude::*;

use play::{Play, play};

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        max_shrink_iters: 100,
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases.map_or(24, |cases| cases.parse().unwrap()))
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_every_job_ends_once_and_rightly(play in play()) {
        let wrong = Play::perform(&play);
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
