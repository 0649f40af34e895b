//! How containers run, print, end and are counted.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_container_runs_for_its_run_time_and_ends_with_its_code() {
    let mock = mock(Behaviour::exits(3).runs_for(5 * SECOND));
    let (_, handle) = started(&mock, 1).await;
    advance(4 * SECOND).await;
    assert!(is_running(&mock, &handle).await);
    advance(SECOND).await;
    let exit = exit(&mock, &handle).await;
    assert_eq!(exit.code, 3);
    assert_eq!(exit.started_at, Some(Timestamp::UNIX_EPOCH));
    assert_eq!(exit.finished_at, Some(Timestamp::from_second(5).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_drawn_run_time_lies_between_its_bounds() {
    let run_time = RunTime::Between(2 * SECOND, 4 * SECOND);
    let mock = mock(Behaviour {
        run_time,
        ..Behaviour::default()
    });
    for number in 0..20 {
        started(&mock, number).await;
    }
    advance(Duration::from_millis(1999)).await;
    assert_eq!(mock.running(), 20);
    advance(SECOND).await;
    assert!((1..20).contains(&mock.running()), "{}", mock.running());
    advance(2 * SECOND).await;
    assert_eq!(mock.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn exit_codes_are_drawn_by_their_weights() {
    let exit_codes = ExitCodes::Weighted(vec![(3, 0), (1, 9), (0, 4)]);
    let mock = mock(Behaviour {
        exit: exit_codes,
        ..Behaviour::default()
    });
    let mut failed = 0;
    for number in 0..400 {
        let (_, handle) = started(&mock, number).await;
        let code = exit(&mock, &handle).await.code;
        assert!(code == 0 || code == 9);
        failed += u32::from(code == 9);
    }
    assert!((60..140).contains(&failed), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn an_oom_end_is_marked() {
    let mock = mock(Behaviour::oom());
    let (_, handle) = started(&mock, 1).await;
    let exit = exit(&mock, &handle).await;
    assert!(exit.oom_killed);
    assert_eq!(exit.code, 137);
}

#[tokio::test(start_paused = true)]
async fn a_container_with_less_memory_than_it_needs_ends_for_lack_of_it() {
    let mock = mock(Behaviour::exits(0).needs(40 << 20));
    for (number, limit, is_killed) in [(1, Some(32), true), (2, Some(40), false), (3, None, false)]
    {
        let mut launch = launch(number);
        launch.spec.memory = limit.map(ByteSize::from_mebibytes);
        let handle = mock.create(&launch).await.unwrap();
        mock.start(&handle).await.unwrap();
        assert_eq!(
            exit(&mock, &handle).await.oom_killed,
            is_killed,
            "{limit:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_start_is_an_error_and_stays_visible() {
    let mock = mock(Behaviour::refuses_start(126, "permission denied"));
    let handle = mock.create(&launch(1)).await.unwrap();
    assert_eq!(fault(mock.start(&handle).await), Fault::StartRefused(126));
    let refusal = Refusal {
        fault: Fault::StartRefused(126),
        message: "permission denied".into(),
    };
    let observed = mock.observe(&handle).await.unwrap();
    assert_eq!(
        observed,
        Observed::Created {
            refused: Some(refusal)
        }
    );
    assert_eq!(mock.counts(launch(1).attempt).starts, 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_matching_selector_wins() {
    let mock = mock(Behaviour::exits(1));
    let special = launch_of(3, "special:1");
    let mut labelled = launch_of(4, "special:1");
    labelled
        .spec
        .labels
        .insert("team".parse().unwrap(), "red".into());
    mock.tune(|knobs| {
        knobs.behave(Selector::Image(image("special:1")), Behaviour::exits(2));
        knobs.behave(
            Selector::Label("team".into(), "red".into()),
            Behaviour::exits(3),
        );
        knobs.behave(Selector::Job(launch(5).job), Behaviour::exits(4));
        knobs.behave(Selector::Attempt(launch(6).attempt), Behaviour::exits(5));
    });
    for (launch, code) in [
        (launch(2), 1),
        (special, 2),
        (labelled, 3),
        (launch(5), 4),
        (launch(6), 5),
    ] {
        let handle = mock.create(&launch).await.unwrap();
        mock.start(&handle).await.unwrap();
        assert_eq!(exit(&mock, &handle).await.code, code);
    }
}

#[tokio::test(start_paused = true)]
async fn output_appears_at_its_time_and_never_after_the_end() {
    let behaviour = Behaviour::exits(0)
        .runs_for(5 * SECOND)
        .prints(2 * SECOND, Stream::Stderr, "b\n")
        .prints(SECOND, Stream::Stdout, "a\nA\n")
        .prints(6 * SECOND, Stream::Stdout, "never\n");
    let mock = mock(behaviour);
    let (_, handle) = started(&mock, 1).await;
    assert!(texts(&mock, &handle, LogRange::All).await.is_empty());
    advance(SECOND).await;
    assert_eq!(texts(&mock, &handle, LogRange::All).await, ["a\n", "A\n"]);
    advance(9 * SECOND).await;
    assert_eq!(
        texts(&mock, &handle, LogRange::All).await,
        ["a\n", "A\n", "b\n"]
    );
    assert_eq!(texts(&mock, &handle, LogRange::Last(1)).await, ["b\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_gets_each_frame_at_its_time() {
    let behaviour = Behaviour::exits(0)
        .runs_for(3 * SECOND)
        .prints(SECOND, Stream::Stdout, "a\n")
        .prints(2 * SECOND, Stream::Stdout, "b\n");
    let mock = mock(behaviour);
    let (_, handle) = started(&mock, 1).await;
    let began = Instant::now();
    let mut frames = mock.logs(&handle, LogRange::Follow).await.unwrap();
    for secs in [1, 2] {
        assert!(frames.next().await.unwrap().is_ok());
        let at = began.elapsed();
        assert!(
            at >= secs * SECOND && at < secs * SECOND + SECOND / 10,
            "{at:?}"
        );
    }
    assert!(frames.next().await.is_none());
    assert!(began.elapsed() >= 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_live_follower_may_lose_the_last_frame_but_a_later_reader_does_not() {
    let behaviour = Behaviour::exits(0)
        .runs_for(3 * SECOND)
        .prints(SECOND, Stream::Stdout, "a\n")
        .prints(3 * SECOND, Stream::Stdout, "last");
    let mock = mock(behaviour);
    mock.tune(|knobs| knobs.follow_loses_last_frame = true);
    let (_, handle) = started(&mock, 1).await;
    assert_eq!(texts(&mock, &handle, LogRange::Follow).await, ["a\n"]);
    assert_eq!(
        texts(&mock, &handle, LogRange::Follow).await,
        ["a\n", "last"]
    );
    assert_eq!(texts(&mock, &handle, LogRange::All).await, ["a\n", "last"]);
}

#[tokio::test(start_paused = true)]
async fn term_ends_a_container_with_the_code_that_it_chose() {
    let on_term = OnTerm::Ends(2 * SECOND, 9);
    let mock = mock(Behaviour {
        on_term,
        ..Behaviour::forever()
    });
    let (attempt, handle) = started(&mock, 1).await;
    mock.stop(&handle, 10).await.unwrap();
    let exit = exit(&mock, &handle).await;
    assert_eq!(exit.code, 9);
    assert_eq!(exit.finished_at, Some(Timestamp::from_second(2).unwrap()));
    assert_eq!(mock.counts(attempt).stops, 1);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ignores_term_is_killed_when_the_grace_is_over() {
    let mock = mock(Behaviour::forever().ignores_term());
    let (_, handle) = started(&mock, 1).await;
    mock.stop(&handle, 10).await.unwrap();
    let exit = exit(&mock, &handle).await;
    assert_eq!(exit.code, 137);
    assert_eq!(exit.finished_at, Some(Timestamp::from_second(10).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stop_still_kills() {
    let mock = mock(Behaviour::forever().ignores_term());
    let (_, handle) = started(&mock, 1).await;
    assert!(mock.stop(&handle, 10).now_or_never().is_none());
    advance(10 * SECOND).await;
    assert_eq!(exit(&mock, &handle).await.code, 137);
}

#[tokio::test(start_paused = true)]
async fn counters_of_a_running_container_grow_as_told() {
    let consumption = Consumption {
        memory_bytes: 100,
        memory_growth_per_sec: 10,
        cpu_percent: 50,
        network_bytes_per_sec: 7,
        block_bytes_per_sec: 3,
    };
    let mock = mock(Behaviour {
        consumption,
        ..Behaviour::forever()
    });
    let (_, handle) = started(&mock, 1).await;
    advance(4 * SECOND).await;
    let sample = mock.sample(&handle).await.unwrap().unwrap();
    assert_eq!(sample.memory_bytes, 140);
    assert_eq!(sample.cpu_nanos, 2_000_000_000);
    assert_eq!(sample.network_rx_bytes, 28);
    assert_eq!(sample.block_write_bytes, 12);
}

#[tokio::test(start_paused = true)]
async fn counts_tell_what_was_done_and_outlive_the_container() {
    let mock = mock(Behaviour::forever());
    let (attempt, handle) = started(&mock, 1).await;
    mock.start(&handle).await.unwrap();
    mock.create(&launch(1)).await.unwrap();
    mock.stop(&handle, 1).await.unwrap();
    mock.stop(&handle, 1).await.unwrap();
    Executor::remove(&mock, &handle, Force::Never)
        .await
        .unwrap();
    Executor::remove(&mock, &handle, Force::Never)
        .await
        .unwrap();
    let counts = Counts {
        creates: 1,
        starts: 1,
        stops: 1,
        removes: 1,
    };
    assert_eq!(mock.counts(attempt), counts);
    assert_eq!(mock.all_counts(), [(attempt, counts)].into());
    assert_eq!(mock.calls_made(Call::Start), 2);
    assert_eq!(mock.calls_made(Call::Remove), 2);
    assert_eq!(mock.containers(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_containers_run_at_one_time_and_are_all_followed_and_announced() {
    let behaviour =
        Behaviour::exits(0)
            .runs_for(10 * SECOND)
            .prints(SECOND, Stream::Stdout, "on\n");
    let mock = mock(behaviour);
    let events = mock.events(pool()).await.unwrap();
    let ends = events.filter(|event| std::future::ready(matches!(event, Ok(HostEvent::Exited(_)))));
    let all = join_all((0..2000).map(|number| {
        let mock = mock.clone();
        async move {
            // Ends a millisecond apart, so that the reader of events is never overrun.
            let apart = Duration::from_millis(u64::try_from(number).unwrap());
            let never = std::future::pending::<()>();
            assert!(tokio::time::timeout(apart, never).await.is_err());
            let (_, handle) = started(&mock, number).await;
            assert_eq!(texts(&mock, &handle, LogRange::Follow).await, ["on\n"]);
        }
    }));
    let (_, ends) = tokio::join!(all, ends.take(2000).count());
    assert_eq!(ends, 2000);
    assert_eq!(mock.max_running(), 2000);
    assert_eq!(mock.running(), 0);
}
