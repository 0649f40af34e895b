//! What every store must do, whichever database is behind it: each scenario takes a fresh store.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use grounds::{Ground, Kind};

#[path = "contract/dependencies.rs"]
mod dependencies;
#[path = "contract/direct.rs"]
mod direct;
#[path = "contract/dispatch.rs"]
mod dispatch;
#[path = "contract/grounds.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod grounds;
#[path = "contract/health.rs"]
mod health;
#[path = "contract/import.rs"]
mod import;
#[path = "contract/life.rs"]
mod life;
#[path = "contract/listing.rs"]
mod listing;
#[path = "contract/paces.rs"]
mod paces;
#[path = "contract/places.rs"]
mod places;
#[path = "contract/pulls.rs"]
mod pulls;
#[path = "contract/queue.rs"]
mod queue;
#[path = "contract/runs.rs"]
mod runs;
#[path = "contract/schedule.rs"]
mod schedule;
#[path = "contract/schedules.rs"]
mod schedules;
#[path = "contract/sets.rs"]
mod sets;
#[path = "contract/submit.rs"]
mod submit;
#[path = "contract/wishes.rs"]
mod wishes;
#[path = "contract/world.rs"]
mod world;

/// Runs scenarios, each against a store of its own on each kind of database.
macro_rules! contract {
    ($($module:ident { $($scenario:ident,)* })*) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $scenario() {
                    let ground = crate::Ground::new(crate::Kind::Sqlite);
                    crate::$module::$scenario(&ground.open().await).await;
                })*
            })*
        }
        mod postgres {
            $(mod $module {
                $(#[tokio::test]
                async fn $scenario() {
                    let ground = crate::Ground::new(crate::Kind::Postgres);
                    crate::$module::$scenario(&ground.open().await).await;
                })*
            })*
        }
    };
}

contract! {
    submit {
        a_submitted_job_is_queued_and_reads_back_as_it_was,
        a_delayed_job_is_pending_until_its_time,
        a_repeated_key_returns_the_first_job,
        one_key_twice_in_one_call_makes_one_job,
        a_repeated_id_adds_nothing,
        ten_thousand_jobs_are_one_call,
        more_jobs_than_one_call_may_add_are_refused_and_none_is_added,
    }
    dispatch {
        the_queue_is_ordered_by_priority_then_age,
        a_job_is_claimed_once,
        a_job_that_was_tried_since_it_was_looked_at_is_not_claimed,
        no_host_gets_more_attempts_than_slots,
        a_draining_host_gets_nothing,
        a_draining_attempt_holds_no_slot,
        a_renewed_attempt_is_not_taken_over,
        a_lease_that_is_not_named_runs_out,
        an_expired_attempt_is_taken_over_once_and_its_old_leader_is_stale,
        a_released_attempt_is_free_at_once,
        a_worker_hears_of_wishes_about_its_own_attempts,
    }
    life {
        a_job_runs_from_claim_to_completion_and_leaves_its_timeline,
        a_failed_attempt_with_a_retry_waits_and_runs_again_as_number_two,
        more_memory_for_the_next_attempt_stays_with_the_job,
        a_report_about_a_phase_that_is_over_is_stale,
        a_report_with_an_old_fence_changes_nothing,
        said_twice_created_changes_nothing,
        said_twice_started_changes_nothing,
        an_end_that_is_said_twice_is_no_stale_report,
        a_text_with_a_zero_in_it_is_kept_all_the_same,
        a_cancelled_job_is_never_retried,
        a_job_that_completed_in_spite_of_the_wish_is_completed,
        the_first_image_digest_is_kept,
        an_unreachable_host_is_noted_once,
        a_container_is_removed_only_after_the_end,
    }
    sets {
        of_many_reports_at_once_only_the_stale_ones_are_refused,
        a_whole_life_that_is_reported_at_once_is_told_in_its_order,
        a_life_that_is_told_in_few_reports_reads_like_one_that_is_told_in_many,
        attempts_that_end_together_move_their_jobs_each_its_own_way,
        who_waits_for_several_that_end_together_is_released,
    }
    wishes {
        a_waiting_job_is_cancelled_at_once,
        a_running_job_is_asked_to_stop_once,
        a_final_job_is_not_cancelled,
        a_failed_job_is_tried_again_with_fresh_budgets,
        a_completed_job_is_not_tried_again,
        a_job_under_way_is_not_tried_again,
        a_wish_about_an_unknown_job_is_refused_by_name,
    }
    listing {
        standings_are_those_of_the_records_however_many_are_asked_for,
        pages_neither_repeat_nor_miss_jobs_of_one_instant,
        filters_hold_together,
        a_job_is_found_by_id_beginning_end_or_name,
        a_name_means_its_job_though_the_id_of_another_begins_with_it,
        an_ambiguous_text_lists_what_it_fits,
        counts_name_every_status,
        events_are_read_in_pages,
    }
    schedule {
        what_is_due_is_released_and_nothing_else,
        a_job_that_waits_too_long_times_out,
        the_queue_clock_starts_anew_with_each_wait,
        the_next_time_is_the_earliest,
        old_jobs_go_when_their_containers_are_gone,
        what_is_not_removed_is_listed_in_pages,
    }
    schedules {
        a_schedule_reads_back_as_it_was_added,
        a_due_time_becomes_one_job_that_knows_it,
        workers_that_fire_at_one_time_make_one_job,
        missed_times_are_made_up_for_or_known_as_missed,
        a_time_is_skipped_while_the_job_before_is_open,
        a_time_waits_for_the_job_before_to_be_over,
        a_new_time_replaces_the_job_before,
        a_replaced_job_that_runs_ends_before_the_next_is_made,
        what_passed_while_paused_is_not_made_up_for,
        a_schedule_that_is_made_anew_does_not_fire_the_past,
        a_run_by_hand_needs_neither_time_nor_turn,
        a_clock_that_jumps_back_neither_doubles_nor_loses_a_time,
        a_removed_schedule_leaves_its_jobs,
    }
    places {
        a_host_reads_back_as_it_was_added,
        a_name_belongs_to_one_host,
        a_host_in_use_is_not_removed,
        facts_outlive_a_failed_probe,
        a_template_is_saved_replaced_and_removed,
        the_policy_is_the_default_until_it_is_set,
    }
    health {
        probes_that_fail_are_counted_from_the_first_to_the_next_answer,
        a_breaker_moves_and_stands_with_its_story,
        strikes_of_one_moment_are_all_counted,
        a_host_with_an_open_breaker_gets_nothing,
        a_host_with_a_half_open_breaker_gets_one_attempt_at_a_time,
        a_canary_is_sent_by_one_when_it_is_due,
        a_look_is_taken_by_one_at_a_time,
        a_census_reads_back_as_it_was_kept,
    }
    runs {
        no_claim_goes_beyond_what_a_host_gives,
        the_place_in_the_queue_counts_those_before,
        runs_of_the_past_and_of_now_are_told_with_their_images,
    }
    direct {
        a_submitted_job_waits_for_its_caller,
        a_job_runs_from_begin_to_completion_and_leaves_its_timeline,
        an_attempt_under_way_is_the_answer_to_whoever_begins_again,
        callers_that_begin_one_job_at_one_time_get_one_attempt,
        only_a_pending_job_of_its_caller_is_begun,
        said_twice_launching_changes_nothing,
        an_abandoned_attempt_leaves_the_job_pending_for_the_next,
        a_report_that_does_not_fit_is_stale,
        a_job_whose_container_never_started_can_end_all_the_same,
        a_container_that_somebody_else_started_is_running,
        a_remark_stands_until_the_job_goes_on,
        usage_is_kept_while_the_attempt_runs,
        a_failed_attempt_is_never_retried_by_itself,
        a_final_job_is_reopened_with_fresh_clocks,
        only_jobs_of_their_callers_are_reopened,
        a_wish_to_cancel_is_granted_only_before_an_attempt,
        a_wish_to_retry_is_left_to_the_caller,
        workers_neither_queue_release_nor_expire_it,
        workers_neither_adopt_nor_reap_its_attempts,
        what_callers_have_not_removed_is_listed_in_pages,
        an_attempt_holds_a_slot_only_while_it_runs,
        only_jobs_of_workers_are_open_to_workers,
        old_jobs_go_with_the_others_once_nothing_is_left,
    }
    import {
        a_pending_job_waits_for_its_caller_whatever_its_time_was,
        a_running_job_is_its_callers_to_watch_and_to_end,
        a_job_that_is_over_keeps_how_it_ended,
        a_job_that_never_ran_can_be_over_too,
        a_container_that_may_still_be_there_is_left_to_the_clean_up,
        a_repeated_import_changes_nothing,
        a_job_of_ours_is_not_overwritten,
        one_host_that_is_not_there_refuses_all,
        an_imported_job_is_found_by_its_label_and_says_where_it_came_from,
        ten_thousand_jobs_of_another_system_are_one_call,
    }
    queue {
        one_job_of_another_owner_starts_next_however_many_wait,
        owners_share_the_slots_that_two_workers_give,
        a_full_limit_lets_no_job_of_its_key_in_and_others_pass,
        each_job_counts_by_the_number_that_it_names,
        what_its_caller_drives_counts_for_no_limit,
        a_paused_queue_starts_nothing_until_it_is_resumed,
        a_queue_tells_what_waits_runs_and_is_paused,
    }
    dependencies {
        each_condition_is_met_or_in_vain_by_how_the_job_ends,
        a_job_waits_through_the_retries_of_another,
        all_that_is_waited_for_must_hold,
        a_chain_ends_with_its_first_job_and_comes_back_with_it,
        a_job_that_two_failed_under_comes_back_when_both_are_tried_again,
        what_was_given_up_by_hand_does_not_come_back_with_another,
        what_is_decided_at_the_submit_is_brought_about_at_once,
        a_batch_waits_for_its_own_earlier_jobs_alone,
        a_repeated_batch_waits_for_the_jobs_of_the_first,
        what_its_caller_drives_waits_for_nobody_and_can_be_waited_for,
        an_array_is_waited_for_as_a_whole,
        an_array_is_found_while_it_has_jobs,
        what_a_job_waits_for_is_told_with_how_it_stands,
        a_thousand_jobs_wait_for_one_and_start_with_its_end,
    }
    pulls {
        a_pull_is_known_for_its_host_until_it_is_forgotten,
        a_repeated_pull_is_known_once_with_its_newest_digest,
        a_host_takes_its_pulls_with_it,
        the_last_use_is_kept_of_images_that_we_pulled_and_of_no_other,
    }
    paces {
        a_registry_that_refuses_nothing_has_no_pace,
        a_burst_that_is_refused_slows_one_registry_down_once,
        one_of_many_that_ask_is_let_through_in_each_interval,
        a_registry_that_serves_again_loses_its_pace,
    }
}
