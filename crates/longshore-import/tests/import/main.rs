//! Imports from databases that the old system itself made and filled: its first and its last
//! release, in SQLite and in PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod refusals;
mod repeats;
mod world;

use longshore_import::Doing;
use longshore_testkit::LegacyRelease;

use world::{Kind, World};

/// Takes everything once, and once more.
async fn check(release: LegacyRelease, kind: Kind) {
    let world = World::new(release, kind).await;
    let before = world.old_state();
    let report = world.import(Doing::Apply).await.unwrap();
    checks::every_row_is_counted(&world, &report);
    checks::hosts_are_taken_with_their_flags(&world).await;
    checks::a_template_is_taken_without_the_line_that_we_refuse(&world, &report).await;
    checks::a_job_keeps_what_it_wished(&world, &report).await;
    checks::a_job_that_is_over_keeps_its_history(&world).await;
    checks::its_log_reads_back_in_order(&world).await;
    checks::every_end_has_its_reason(&world, &report).await;
    checks::what_waits_is_pending(&world).await;
    checks::a_running_container_is_left_to_be_harvested(&world).await;
    checks::what_cannot_be_taken_is_told_with_its_reason(&report);
    checks::what_our_spec_refuses_is_left_out_and_told(&world, &report).await;
    repeats::a_repeated_import_adds_nothing(&world, &report).await;
    assert!(before == world.old_state(), "the old database is unchanged");
}

#[tokio::test]
async fn the_first_release_is_taken_from_sqlite() {
    check(LegacyRelease::First, Kind::Sqlite).await;
}

#[tokio::test]
async fn the_first_release_is_taken_from_postgresql() {
    check(LegacyRelease::First, Kind::Postgres).await;
}

#[tokio::test]
async fn the_last_release_is_taken_from_sqlite() {
    check(LegacyRelease::Last, Kind::Sqlite).await;
}

#[tokio::test]
async fn the_last_release_is_taken_from_postgresql() {
    check(LegacyRelease::Last, Kind::Postgres).await;
}
