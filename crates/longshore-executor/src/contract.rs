//! The contract suite: what every executor must do, as one test a promise.
//!
//! An adapter says how to make a [`Fixture`] and calls [`executor_contract!`] in a test file of its
//! own; every case then is a test there under its own name. A case that is added runs for all.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

pub mod cases;
mod fixture;
mod program;

pub use fixture::Fixture;
pub use program::Program;

/// Runs one case on a fresh fixture and clears the host after it, also when the case fails.
pub async fn run<M, F, C>(make: M, case: C)
where
    M: FnOnce() -> F,
    F: Future<Output = Fixture>,
    C: AsyncFnOnce(&Fixture),
{
    let fixture = make().await;
    let outcome = AssertUnwindSafe(case(&fixture)).catch_unwind().await;
    let cleared = AssertUnwindSafe(fixture.clear()).catch_unwind().await;
    if let Err(panic) = outcome.and(cleared) {
        std::panic::resume_unwind(panic);
    }
}

/// Makes a `#[tokio::test]` of every case: `executor_contract!(make_fixture)`, where `make_fixture`
/// is an `async fn() -> Fixture`. What follows a semicolon goes to `#[tokio::test(…)]`.
#[macro_export]
macro_rules! executor_contract {
    ($make:path $(; $($argument:tt)*)?) => {
        $crate::executor_contract! {
            @tests $make; ($($($argument)*)?);
            a_second_create_adopts_the_first_container
            a_container_is_found_from_its_creation_to_its_removal
            a_missing_image_is_not_found_at_create
            a_create_that_was_dropped_midway_leaves_one_container
            a_life_is_observed_from_absent_to_exited
            an_exit_has_the_code_of_the_program_and_sane_times
            a_second_start_does_not_run_the_program_twice
            an_ended_container_is_not_run_again
            a_start_that_was_dropped_midway_runs_the_program_once
            a_program_that_is_not_there_refuses_the_start
            starting_what_is_gone_is_worth_another_look
            a_stop_ends_a_running_container
            a_program_that_ignores_the_signal_is_killed_after_the_grace
            stopping_what_never_ran_changes_nothing
            stopping_what_has_ended_changes_nothing
            stopping_what_is_gone_is_no_error
            a_running_container_is_removed_only_by_force
            a_removal_is_gone_once_and_absent_afterwards
            a_container_that_never_ran_is_removed
            every_byte_of_both_streams_is_in_the_log
            a_second_reading_gives_the_same_frames
            the_last_frames_are_the_end_of_all_frames
            a_follower_gets_the_frames_in_order_and_comes_to_an_end
            following_an_ended_container_comes_to_an_end
            a_log_is_empty_before_the_start_and_after_the_removal
            an_exit_is_announced_to_its_own_pool_only
            a_removal_is_announced
            only_containers_of_exactly_this_pool_are_listed
            a_probe_tells_sane_facts
            only_a_running_container_is_measured
            the_list_shows_every_container_with_its_labels_and_state
            the_list_of_running_containers_shows_no_other
            a_container_is_looked_up_by_id_by_its_beginning_and_by_name
            a_name_that_no_container_has_finds_none
            the_end_of_a_container_that_is_looked_up_is_known
            a_running_container_has_statistics_and_an_ended_one_has_none
            a_handle_is_made_again_from_the_id_of_the_engine
            the_limits_of_a_container_are_known_until_it_is_gone
            what_a_pool_left_is_listed_for_exactly_this_pool
            what_a_container_uses_is_not_removed
            what_nothing_uses_is_removed_once
            an_anonymous_volume_is_of_its_pool_and_goes_with_its_container
        }
    };
    (@tests $make:path; $arguments:tt; $($case:ident)*) => {
        $($crate::executor_contract! { @test $make; $arguments; $case })*
    };
    (@test $make:path; ($($argument:tt)*); $case:ident) => {
        #[tokio::test($($argument)*)]
        async fn $case() {
            $crate::contract::run($make, $crate::contract::cases::$case).await;
        }
    };
}
