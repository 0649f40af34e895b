//! Schedules: each nominal time has its turn once, and what came of it is known.

use longshore_core::outcome::JobStatus;
use longshore_core::schedule::{Missed, Overlap, Schedule};
use longshore_core::spec::ScheduleName;
use longshore_core::{JobId, Timestamp};
use longshore_store::{Brought, Firing, JobFilter, Store, StoreError};

use crate::world::{at, spec, uuid};

fn fresh() -> JobId {
    JobId::new(uuid())
}

fn name() -> ScheduleName {
    "minutely".parse().unwrap()
}

/// Due each minute, settled at second 0 of the test's time, which is a whole minute.
fn minutely(overlap: Overlap) -> Schedule {
    Schedule {
        name: name(),
        spec: spec(),
        timetable: "* * * * *".parse().unwrap(),
        overlap,
        missed: Missed::All,
        paused_at: None,
        settled_until: at(0),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn fire(store: &Store, now: Timestamp) {
    store.fire_due(now, fresh).await.unwrap();
}

/// All turns, oldest first.
async fn turns(store: &Store) -> Vec<Firing> {
    let mut turns = store.firings(&name(), 500).await.unwrap();
    turns.reverse();
    turns
}

async fn words(store: &Store) -> Vec<&'static str> {
    let turns = turns(store).await;
    turns.iter().map(|turn| turn.brought.word()).collect()
}

async fn jobs(store: &Store) -> Vec<JobId> {
    let turns = turns(store).await;
    turns.iter().filter_map(|turn| turn.brought.job()).collect()
}

async fn cancel(store: &Store, job: JobId, now: Timestamp) {
    store.request_cancel(job, now).await.unwrap();
}

pub(crate) async fn a_schedule_reads_back_as_it_was_added(store: &Store) {
    let schedule = minutely(Overlap::Replace);
    store.add_schedule(&schedule).await.unwrap();
    assert_eq!(store.schedule(&name()).await.unwrap(), schedule);
    assert_eq!(
        store.schedules().await.unwrap(),
        std::slice::from_ref(&schedule)
    );
    assert_eq!(store.next_firing().await.unwrap(), Some(at(60)));
    let taken = store.add_schedule(&schedule).await.unwrap_err();
    assert!(matches!(taken, StoreError::NameTaken { .. }), "{taken}");
    store.remove_schedule(&name()).await.unwrap();
    let gone = store.remove_schedule(&name()).await.unwrap_err();
    assert!(
        gone.to_string().contains("no schedule `minutely`"),
        "{gone}"
    );
}

pub(crate) async fn a_due_time_becomes_one_job_that_knows_it(store: &Store) {
    store.add_schedule(&minutely(Overlap::Allow)).await.unwrap();
    fire(store, at(59)).await;
    assert_eq!(turns(store).await, []);
    fire(store, at(61)).await;
    fire(store, at(62)).await;
    let [job] = jobs(store).await[..] else {
        panic!("it is one job");
    };
    let made = store.job(job).await.unwrap();
    assert_eq!(made.status, JobStatus::Queued);
    let told = &made.spec.env[&"LONGSHORE_SCHEDULED_AT".parse().unwrap()];
    assert_eq!(told.parse::<Timestamp>().unwrap(), at(60));
    let of_job = store.firing_of(job).await.unwrap().unwrap();
    assert_eq!((of_job.schedule, of_job.nominal_at), (name(), at(60)));
    let filter = JobFilter {
        schedule: Some(name()),
        ..JobFilter::default()
    };
    crate::world::submit(store, spec(), at(62)).await;
    let listed = store.jobs(&filter).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), [job]);
    assert_eq!(store.next_firing().await.unwrap(), Some(at(120)));
}

pub(crate) async fn workers_that_fire_at_one_time_make_one_job(store: &Store) {
    store.add_schedule(&minutely(Overlap::Allow)).await.unwrap();
    let now = at(125);
    let all = (0..8).map(|_| store.fire_due(now, fresh));
    for fired in futures::future::join_all(all).await {
        fired.unwrap();
    }
    assert_eq!(jobs(store).await.len(), 2);
}

pub(crate) async fn missed_times_are_made_up_for_or_known_as_missed(store: &Store) {
    let mut schedule = minutely(Overlap::Allow);
    schedule.missed = Missed::Skip;
    store.add_schedule(&schedule).await.unwrap();
    fire(store, at(60 * 60 + 30)).await;
    let turns = turns(store).await;
    assert_eq!(words(store).await, ["missed", "submitted"]);
    assert_eq!(turns[0].nominal_at, at(59 * 60));
    assert!(turns[0].detail.contains("no worker was there"));
}

pub(crate) async fn a_time_is_skipped_while_the_job_before_is_open(store: &Store) {
    store.add_schedule(&minutely(Overlap::Skip)).await.unwrap();
    fire(store, at(60)).await;
    fire(store, at(120)).await;
    assert_eq!(words(store).await, ["submitted", "skipped"]);
    let first = jobs(store).await[0];
    let why = &turns(store).await[1].detail;
    assert!(why.contains(&first.short()), "{why}");
    cancel(store, first, at(130)).await;
    fire(store, at(180)).await;
    assert_eq!(words(store).await, ["submitted", "skipped", "submitted"]);
}

pub(crate) async fn a_time_waits_for_the_job_before_to_be_over(store: &Store) {
    store.add_schedule(&minutely(Overlap::Queue)).await.unwrap();
    fire(store, at(180)).await;
    assert_eq!(words(store).await, ["submitted", "waiting", "waiting"]);
    assert_eq!(store.next_firing().await.unwrap(), Some(at(240)));
    cancel(store, jobs(store).await[0], at(190)).await;
    assert!(store.next_firing().await.unwrap() < Some(at(0)));
    fire(store, at(191)).await;
    assert_eq!(words(store).await, ["submitted", "submitted", "waiting"]);
    assert_eq!(store.next_firing().await.unwrap(), Some(at(240)));
}

pub(crate) async fn a_new_time_replaces_the_job_before(store: &Store) {
    store
        .add_schedule(&minutely(Overlap::Replace))
        .await
        .unwrap();
    fire(store, at(60)).await;
    fire(store, at(120)).await;
    let made = jobs(store).await;
    assert_eq!(made.len(), 2);
    let first = store.job(made[0]).await.unwrap();
    assert_eq!(first.status, JobStatus::Cancelled);
    assert_eq!(store.job(made[1]).await.unwrap().status, JobStatus::Queued);
}

pub(crate) async fn a_replaced_job_that_runs_ends_before_the_next_is_made(store: &Store) {
    store
        .add_schedule(&minutely(Overlap::Replace))
        .await
        .unwrap();
    fire(store, at(60)).await;
    let running = jobs(store).await[0];
    let host = crate::world::add_host(store, 1).await;
    crate::world::claim_one(store, running, host).await;
    fire(store, at(180)).await;
    assert_eq!(words(store).await, ["submitted", "skipped", "waiting"]);
    let running = store.job(running).await.unwrap();
    assert!(running.cancel_requested_at.is_some());
}

pub(crate) async fn what_passed_while_paused_is_not_made_up_for(store: &Store) {
    store.add_schedule(&minutely(Overlap::Allow)).await.unwrap();
    store.pause_schedule(&name(), at(30)).await.unwrap();
    assert_eq!(store.next_firing().await.unwrap(), None);
    fire(store, at(200)).await;
    store.resume_schedule(&name(), at(210)).await.unwrap();
    fire(store, at(220)).await;
    assert_eq!(turns(store).await, []);
    assert_eq!(store.next_firing().await.unwrap(), Some(at(240)));
}

pub(crate) async fn a_schedule_that_is_made_anew_does_not_fire_the_past(store: &Store) {
    store.add_schedule(&minutely(Overlap::Allow)).await.unwrap();
    let mut anew = minutely(Overlap::Allow);
    anew.timetable = "*/2 * * * *".parse().unwrap();
    anew.settled_until = at(600);
    store.update_schedule(&anew).await.unwrap();
    fire(store, at(601)).await;
    assert_eq!(turns(store).await, []);
}

pub(crate) async fn a_run_by_hand_needs_neither_time_nor_turn(store: &Store) {
    store.add_schedule(&minutely(Overlap::Skip)).await.unwrap();
    store.pause_schedule(&name(), at(5)).await.unwrap();
    for seconds in [10, 11] {
        let ran = store.run_schedule(&name(), fresh(), at(seconds)).await;
        ran.unwrap();
    }
    assert_eq!(words(store).await, ["submitted", "submitted"]);
}

pub(crate) async fn a_clock_that_jumps_back_neither_doubles_nor_loses_a_time(store: &Store) {
    let mut schedule = minutely(Overlap::Allow);
    schedule.missed = Missed::Once;
    store.add_schedule(&schedule).await.unwrap();
    fire(store, at(60)).await;
    // An hour ahead by mistake: one job for all that seems to be missed.
    fire(store, at(3600 + 59)).await;
    let ahead = jobs(store).await.len();
    store.rewind_schedules(at(100)).await.unwrap();
    for minute in 2..60 {
        fire(store, at(minute * 60)).await;
    }
    fire(store, at(3600)).await;
    let times = turns(store).await;
    let made: Vec<_> = times
        .iter()
        .filter(|turn| turn.brought.job().is_some())
        .collect();
    assert_eq!(ahead, 2);
    assert_eq!(made.len(), 60);
    assert!(times.iter().all(|turn| turn.brought != Brought::Later));
}

pub(crate) async fn a_removed_schedule_leaves_its_jobs(store: &Store) {
    store.add_schedule(&minutely(Overlap::Queue)).await.unwrap();
    fire(store, at(120)).await;
    let job = jobs(store).await[0];
    store.remove_schedule(&name()).await.unwrap();
    assert_eq!(turns(store).await, []);
    assert!(store.job(job).await.is_ok());
}
