//! Lost replies, hung calls, broken links, restarts, strangers.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_lost_reply_hides_an_effect() {
    let mock = mock(Behaviour::forever());
    mock.disturb(Call::Create, 1, Mischief::LoseReply(Fault::TimedOut));
    mock.disturb(Call::Start, 1, Mischief::LoseReply(Fault::Unreachable));
    let launch = launch(1);
    assert_eq!(fault(mock.create(&launch).await), Fault::TimedOut);
    let handle = mock.find(launch.attempt).await.unwrap().unwrap();
    assert_eq!(fault(mock.start(&handle).await), Fault::Unreachable);
    assert!(is_running(&mock, &handle).await);
    assert_eq!(mock.create(&launch).await.unwrap(), handle);
    mock.start(&handle).await.unwrap();
    let counts = mock.counts(launch.attempt);
    assert_eq!((counts.creates, counts.starts), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failing_call_has_no_effect_and_mischief_is_used_up() {
    let mock = mock(Behaviour::forever());
    mock.disturb(Call::Create, 2, Mischief::Fail(Fault::Internal));
    for _ in 0..2 {
        assert_eq!(fault(mock.create(&launch(1)).await), Fault::Internal);
        assert_eq!(mock.containers(), 0);
    }
    mock.create(&launch(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_gives_up_at_its_deadline_with_or_without_effect() {
    for (mischief, containers) in [(Mischief::HangBefore, 0), (Mischief::HangAfter, 1)] {
        let mock = mock(Behaviour::default());
        mock.disturb(Call::Create, 1, mischief);
        let began = Instant::now();
        assert_eq!(fault(mock.create(&launch(1)).await), Fault::TimedOut);
        assert_eq!(began.elapsed().as_secs(), LAUNCH_CALL.as_secs());
        assert_eq!(mock.containers(), containers);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_goes_on_when_released() {
    let mock = mock(Behaviour::default());
    mock.disturb(Call::Create, 5, Mischief::HangBefore);
    let launch = launch(1);
    let mut create = mock.create(&launch);
    assert!((&mut create).now_or_never().is_none());
    mock.release(Call::Create);
    create.await.unwrap();
    let again = mock.create(&launch).now_or_never();
    assert!(again.is_some(), "what was planned is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_after_its_effect_is_found_again() {
    let mock = mock(Behaviour::default());
    mock.disturb(Call::Create, 1, Mischief::HangAfter);
    let launch = launch(1);
    assert!(mock.create(&launch).now_or_never().is_none());
    let handle = mock.create(&launch).await.unwrap();
    assert_eq!(mock.find(launch.attempt).await.unwrap(), Some(handle));
    assert_eq!(mock.counts(launch.attempt).creates, 1);
}

#[tokio::test(start_paused = true)]
async fn every_call_takes_the_latency() {
    let mock = mock(Behaviour::default());
    mock.tune(|knobs| knobs.latency = SECOND);
    let began = Instant::now();
    assert_eq!(mock.probe().await.unwrap().latency, SECOND);
    assert!(began.elapsed() >= SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_cut_host_fails_all_calls_and_streams_and_its_containers_run_on() {
    let mock = mock(Behaviour::exits(0).runs_for(60 * SECOND));
    let (_, handle) = started(&mock, 1).await;
    let mut events = mock.events(pool()).await.unwrap();
    let mut log = mock.logs(&handle, LogRange::Follow).await.unwrap();
    let mut stop = mock.stop(&handle, 1_000_000);
    mock.disturb(Call::Stop, 1, Mischief::HangBefore);
    assert!((&mut stop).now_or_never().is_none());

    mock.cut();
    assert_eq!(fault(stop.await), Fault::Unreachable);
    assert_eq!(fault(events.next().await.unwrap()), Fault::Unreachable);
    assert!(events.next().await.is_none());
    assert_eq!(fault(log.next().await.unwrap()), Fault::Unreachable);
    assert!(log.next().await.is_none());
    assert_eq!(fault(mock.observe(&handle).await), Fault::Unreachable);
    assert_eq!(fault(mock.probe().await), Fault::Unreachable);
    assert_eq!(fault(mock.image(&image("app:1")).await), Fault::Unreachable);

    advance(60 * SECOND).await;
    mock.heal();
    assert_eq!(exit(&mock, &handle).await.code, 0);
}

/// Restarts the engine ten seconds into a run and says what is seen afterwards.
async fn restart(restart: Restart) -> (Observed, Vec<HostEvent>, Timestamp) {
    let mock = mock(Behaviour::forever());
    let (_, handle) = started(&mock, 1).await;
    let events = mock.events(pool()).await.unwrap();
    advance(10 * SECOND).await;
    mock.restart_engine(restart);
    let seen = events.filter_map(async |event| event.ok()).collect().await;
    let engine_started_at = mock.probe().await.unwrap().engine_started_at.unwrap();
    (
        mock.observe(&handle).await.unwrap(),
        seen,
        engine_started_at,
    )
}

fn code(observed: &Observed) -> i32 {
    let Observed::Exited(exit) = observed else {
        panic!("has ended: {observed:?}")
    };
    exit.code
}

#[tokio::test(start_paused = true)]
async fn an_orderly_restart_ends_containers_and_tells_so() {
    let (observed, events, engine_started_at) = restart(Restart::Orderly).await;
    let attempt = launch(1).attempt;
    assert_eq!(code(&observed), 143);
    assert_eq!(
        events,
        [
            HostEvent::Signalled(attempt, 15),
            HostEvent::Exited(attempt)
        ]
    );
    assert_eq!(engine_started_at, Timestamp::from_second(10).unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_orderly_restart_kills_what_ignores_term() {
    let mock = mock(Behaviour::forever().ignores_term());
    let (_, handle) = started(&mock, 1).await;
    mock.restart_engine(Restart::Orderly);
    assert_eq!(exit(&mock, &handle).await.code, 137);
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_containers_with_255_and_tells_nobody() {
    let (observed, events, engine_started_at) = restart(Restart::Crash).await;
    assert_eq!(code(&observed), 255);
    assert_eq!(events, []);
    assert_eq!(engine_started_at, Timestamp::from_second(10).unwrap());
}

#[tokio::test(start_paused = true)]
async fn containers_live_through_a_live_restore() {
    let (observed, events, _) = restart(Restart::LiveRestore).await;
    assert!(matches!(observed, Observed::Running { .. }));
    assert_eq!(events, []);
}

#[tokio::test(start_paused = true)]
async fn a_vanished_container_is_absent_and_announced() {
    let mock = mock(Behaviour::forever());
    let (attempt, handle) = started(&mock, 1).await;
    let mut events = mock.events(pool()).await.unwrap();
    let log = mock.logs(&handle, LogRange::Follow).await.unwrap();
    mock.vanish(attempt);
    assert_eq!(mock.observe(&handle).await.unwrap(), Observed::Absent);
    assert_eq!(mock.find(attempt).await.unwrap(), None);
    assert_eq!(
        events.next().await.unwrap().unwrap(),
        HostEvent::Removed(attempt)
    );
    assert_eq!(log.count().await, 0);
    assert_eq!(mock.running(), 0);
    mock.stop(&handle, 10).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_foreign_kill_is_a_signal_and_an_end() {
    let mock = mock(Behaviour::forever());
    let (attempt, handle) = started(&mock, 1).await;
    let events = mock.events(pool()).await.unwrap();
    mock.kill(attempt, 9);
    let seen: Vec<HostEvent> = events.take(2).map(Result::unwrap).collect().await;
    assert_eq!(
        seen,
        [HostEvent::Signalled(attempt, 9), HostEvent::Exited(attempt)]
    );
    assert_eq!(exit(&mock, &handle).await.code, 137);
    assert_eq!(mock.counts(attempt).stops, 0);
}

#[tokio::test(start_paused = true)]
async fn an_exit_is_announced_at_its_time_without_any_call() {
    let mock = mock(Behaviour::exits(0).runs_for(7 * SECOND));
    let mut events = mock.events(pool()).await.unwrap();
    let (attempt, _) = started(&mock, 1).await;
    let began = Instant::now();
    assert_eq!(
        events.next().await.unwrap().unwrap(),
        HostEvent::Exited(attempt)
    );
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn dropped_events_leave_the_end_to_be_found_by_looking() {
    let mock = mock(Behaviour::exits(0).runs_for(SECOND));
    mock.tune(|knobs| knobs.drops_events = true);
    let mut events = mock.events(pool()).await.unwrap();
    let (_, handle) = started(&mock, 1).await;
    let waited = tokio::time::timeout(60 * SECOND, events.next()).await;
    assert!(waited.is_err());
    assert_eq!(exit(&mock, &handle).await.code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_removal_is_pending_until_it_is_done() {
    let mock = mock(Behaviour::default());
    mock.tune(|knobs| knobs.removal_time = SECOND);
    let (_, handle) = started(&mock, 1).await;
    assert_eq!(
        Executor::remove(&mock, &handle, Force::Never)
            .await
            .unwrap(),
        Removed::Pending
    );
    assert_eq!(mock.observe(&handle).await.unwrap(), Observed::Removing);
    assert_eq!(
        Executor::remove(&mock, &handle, Force::Never)
            .await
            .unwrap(),
        Removed::Pending
    );
    advance(SECOND).await;
    assert_eq!(mock.observe(&handle).await.unwrap(), Observed::Absent);
    assert_eq!(
        Executor::remove(&mock, &handle, Force::Never)
            .await
            .unwrap(),
        Removed::WasAbsent
    );
}

#[tokio::test(start_paused = true)]
async fn the_host_says_what_it_cannot_do() {
    let mock = mock(Behaviour::default());
    mock.tune(|knobs| {
        knobs.capabilities.gpu = false;
        knobs.unsupported = vec!["no GPUs here".into()];
    });
    assert!(!mock.capabilities().gpu);
    assert_eq!(mock.unsupported(&launch(1).spec), ["no GPUs here"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_told_by_what_came_before_it() {
    let mock = mock(Behaviour::forever());
    let (_, handle) = started(&mock, 1).await;
    let restarted = async |since| mock.restarted_since(&handle, since).await.unwrap();
    assert!(!restarted(None).await);
    advance(10 * SECOND).await;
    mock.restart_engine(Restart::LiveRestore);
    assert!(restarted(None).await);
    assert!(restarted(Some(Timestamp::from_second(9).unwrap())).await);
    assert!(!restarted(Some(Timestamp::from_second(10).unwrap())).await);
    let made = mock.create(&launch(2)).await.unwrap();
    assert!(!mock.restarted_since(&made, None).await.unwrap());
    advance(SECOND).await;
    mock.restart_engine(Restart::LiveRestore);
    assert!(mock.restarted_since(&made, None).await.unwrap());
}
