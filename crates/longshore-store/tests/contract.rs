//! What every store must do, whichever database is behind it: each scenario takes a fresh store.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use longshore_store::Store;

#[path = "contract/dispatch.rs"]
mod dispatch;
#[path = "contract/life.rs"]
mod life;
#[path = "contract/listing.rs"]
mod listing;
#[path = "contract/places.rs"]
mod places;
#[path = "contract/schedule.rs"]
mod schedule;
#[path = "contract/submit.rs"]
mod submit;
#[path = "contract/wishes.rs"]
mod wishes;
#[path = "contract/world.rs"]
mod world;

/// Runs scenarios against a store in a folder of its own.
macro_rules! contract {
    ($($module:ident { $($scenario:ident,)* })*) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $scenario() {
                    let folder = tempfile::tempdir().unwrap();
                    let store = crate::Store::open(folder.path()).await.unwrap();
                    crate::$module::$scenario(&store).await;
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
        no_host_gets_more_attempts_than_slots,
        a_draining_host_gets_nothing,
        a_draining_attempt_holds_no_slot,
        a_renewed_attempt_is_not_taken_over,
        an_expired_attempt_is_taken_over_once_and_its_old_leader_is_stale,
        a_released_attempt_is_free_at_once,
        a_worker_hears_of_wishes_about_its_own_attempts,
    }
    life {
        a_job_runs_from_claim_to_completion_and_leaves_its_timeline,
        a_failed_attempt_with_a_retry_waits_and_runs_again_as_number_two,
        a_report_about_a_phase_that_is_over_is_stale,
        a_report_with_an_old_fence_changes_nothing,
        said_twice_created_changes_nothing,
        said_twice_started_changes_nothing,
        a_cancelled_job_is_never_retried,
        a_job_that_completed_in_spite_of_the_wish_is_completed,
        the_first_image_digest_is_kept,
        an_unreachable_host_is_noted_once,
        a_container_is_removed_only_after_the_end,
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
    places {
        a_host_reads_back_as_it_was_added,
        a_name_belongs_to_one_host,
        a_host_in_use_is_not_removed,
        facts_outlive_a_failed_probe,
        a_template_is_saved_replaced_and_removed,
        the_policy_is_the_default_until_it_is_set,
    }
}
