//! Schedules are fired by workers, once for each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::schedule::{Missed, Overlap, Schedule};
use longshore_core::spec::ScheduleName;
use longshore_engine::{Clock, WorkerOptions};
use longshore_executor::mock::Behaviour;

use crate::rig::{Rig, spec};

/// A clock that stands where it is put.
#[derive(Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(seconds)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

/// A day long ago, so that nothing else is due there.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn name() -> ScheduleName {
    "minutely".parse().unwrap()
}

async fn add(rig: &Rig, missed: Missed) {
    let schedule = Schedule {
        name: name(),
        spec: spec(),
        timetable: "* * * * *".parse().unwrap(),
        overlap: Overlap::Allow,
        missed,
        paused_at: None,
        settled_until: at(0),
        created_at: at(0),
        updated_at: at(0),
    };
    rig.store.add_schedule(&schedule).await.unwrap();
}

/// The times that brought jobs, in seconds, oldest first.
async fn fired(rig: &Rig) -> Vec<i64> {
    let firings = rig.store.firings(&name(), 1000).await.unwrap();
    let made = firings.iter().rev().filter(|it| it.brought.job().is_some());
    made.map(|it| it.nominal_at.duration_since(at(0)).as_secs())
        .collect()
}

/// Wakes the workers, so that they see that the clock was moved.
async fn nudge(rig: &Rig) {
    let saved = rig.store.save_template("nudge", "", None, at(0)).await;
    saved.unwrap();
}

async fn until(rig: &Rig, wanted: &[i64]) {
    rig.eventually("the times to be fired", async || fired(rig).await == wanted)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_at_its_times_and_its_jobs_run() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::ZERO)).await;
    add(&rig, Missed::Once).await;
    let clock = HandClock::at(60);
    let _workers = [0, 1].map(|_| rig.worker_of(clock.clone(), WorkerOptions::default()));
    until(&rig, &[60]).await;
    let job = rig.store.firings(&name(), 1).await.unwrap()[0]
        .brought
        .job();
    rig.finished(job.unwrap()).await;
    clock.set(121);
    nudge(&rig).await;
    until(&rig, &[60, 120]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_handled_when_a_worker_comes() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::ZERO)).await;
    add(&rig, Missed::All).await;
    let _worker = rig.worker_of(HandClock::at(200), WorkerOptions::default());
    until(&rig, &[60, 120, 180]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_neither_doubles_nor_loses_a_time() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::ZERO)).await;
    add(&rig, Missed::All).await;
    let clock = HandClock::at(600);
    let _worker = rig.worker_of(clock.clone(), WorkerOptions::default());
    let ten: Vec<i64> = (1..=10).map(|minute| minute * 60).collect();
    until(&rig, &ten).await;
    clock.set(130);
    nudge(&rig).await;
    let rewound = async || rig.store.schedule(&name()).await.unwrap().settled_until == at(130);
    rig.eventually("the jump to be seen", rewound).await;
    clock.set(660);
    nudge(&rig).await;
    let eleven: Vec<i64> = (1..=11).map(|minute| minute * 60).collect();
    until(&rig, &eleven).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_for_one_job_alone_fires_nothing() {
    let rig = Rig::new(Behaviour::exits(0).runs_for(Duration::ZERO)).await;
    add(&rig, Missed::All).await;
    let job = rig.submit(spec()).await;
    let only = WorkerOptions {
        only_job: Some(job),
        ..WorkerOptions::default()
    };
    let mut worker = rig.worker_of(HandClock::at(600), only);
    worker.ended().await;
    assert!(fired(&rig).await.is_empty());
}
