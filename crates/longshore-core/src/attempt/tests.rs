//! The attempt's life as tables: what is seen, what is to be done.

use jiff::SignedDuration;

use super::*;
use crate::outcome::FailReason;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn terms() -> Terms {
    Terms {
        pull: Duration::from_mins(1),
        start: Duration::from_secs(30),
        run: Some(Duration::from_secs(100)),
        total_until: None,
        lost_after: None,
    }
}

fn handle() -> Handle {
    Handle {
        version: 1,
        content: "c1".into(),
    }
}

fn exit(code: i32) -> Exit {
    Exit {
        code,
        oom_killed: false,
        started_at: Some(at(1)),
        finished_at: Some(at(2)),
        message: None,
        cause: ExitCause::Itself,
    }
}

fn event() -> Evidence {
    Evidence::plain(Provenance::Event)
}

/// Feeds the machine and returns its last action.
fn drive(mut machine: Machine, seen: Vec<(i64, Seen)>) -> (Machine, Action) {
    let mut action = machine.first();
    for (second, seen) in seen {
        (machine, action) = machine.step(seen, at(second));
    }
    (machine, action)
}

fn running() -> Machine {
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (1, Seen::Started),
    ];
    let (machine, action) = drive(Machine::fresh(terms(), at(0)), seen);
    assert_eq!(action, Action::Watch(handle()));
    machine
}

fn outcome(action: &Action) -> Outcome {
    let Action::Finish(verdict) = action else {
        panic!("not finished: {action:?}")
    };
    verdict.outcome
}

#[test]
fn a_job_that_exits_zero_is_drained_and_then_completed() {
    let (machine, action) = running().step(Seen::Looked(Observed::Exited(exit(0)), event()), at(3));
    assert_eq!(action, Action::Drain(handle()));
    let (_, action) = machine.step(Seen::Drained, at(3));
    assert_eq!(outcome(&action), Outcome::Completed);
}

#[test]
fn a_lost_start_reply_is_looked_up_and_never_started_blindly() {
    let fresh = Machine::fresh(terms(), at(0));
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (1, Seen::Failed(Fault::TimedOut, "no answer".into())),
    ];
    let (machine, action) = drive(fresh, seen);
    assert_eq!(action, Action::Again);
    assert_eq!(machine.first(), Action::Find);
    let found = Seen::Found(Some((handle(), Observed::Exited(exit(7)))), event());
    let (_, action) = machine.step(found, at(2));
    assert_eq!(action, Action::Drain(handle()));
}

#[test]
fn a_cancel_during_the_pull_ends_at_once() {
    let (_, action) = Machine::fresh(terms(), at(0)).step(Seen::Cancel(CancelReason::User), at(1));
    assert_eq!(outcome(&action), Outcome::Cancelled(CancelReason::User));
}

#[test]
fn a_cancel_while_creating_waits_for_the_call_and_never_starts() {
    let fresh = Machine::fresh(terms(), at(0));
    let (machine, action) = drive(
        fresh,
        vec![(0, Seen::ImageReady), (1, Seen::Cancel(CancelReason::User))],
    );
    assert_eq!(action, Action::Keep);
    let (_, action) = machine.step(Seen::Created(handle()), at(2));
    assert_eq!(outcome(&action), Outcome::Cancelled(CancelReason::User));
}

#[test]
fn a_launch_that_hangs_is_given_up_for_the_limit_that_passed() {
    let fresh = Machine::fresh(terms(), at(0));
    let (machine, action) = drive(fresh, vec![(0, Seen::ImageReady), (30, Seen::Clock)]);
    assert_eq!(action, Action::Keep);
    assert!(machine.is_giving_up());
    let (_, action) = machine.step(Seen::Failed(Fault::TimedOut, "hung".into()), at(32));
    assert_eq!(outcome(&action), Outcome::TimedOut(Limit::Start));
}

#[test]
fn a_start_that_hangs_is_looked_for_before_it_is_given_up() {
    let fresh = Machine::fresh(terms(), at(0));
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (30, Seen::Clock),
        (32, Seen::Failed(Fault::TimedOut, "hung".into())),
    ];
    let (machine, _) = drive(fresh, seen);
    assert_eq!(machine.first(), Action::Find);
    let runs = Observed::Running { started_at: None };
    let (_, action) = machine.step(Seen::Found(Some((handle(), runs)), event()), at(33));
    assert_eq!(action, Action::Stop(handle()), "it did start after all");
}

#[test]
fn a_cancel_while_starting_stops_what_has_started() {
    let fresh = Machine::fresh(terms(), at(0));
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (1, Seen::Cancel(CancelReason::User)),
        (1, Seen::Started),
    ];
    let (_, action) = drive(fresh, seen);
    assert_eq!(action, Action::Stop(handle()));
}

#[test]
fn a_cancelled_job_stays_cancelled_whatever_its_exit_code() {
    for code in [0, 1, 137, 143, 255] {
        let seen = vec![
            (5, Seen::Cancel(CancelReason::User)),
            (6, Seen::Stopped),
            (6, Seen::Looked(Observed::Exited(exit(code)), event())),
            (6, Seen::Drained),
        ];
        let (_, action) = drive(running(), seen);
        assert_eq!(
            outcome(&action),
            Outcome::Cancelled(CancelReason::User),
            "code {code}"
        );
    }
}

#[test]
fn an_evicted_attempt_is_stopped_and_that_is_the_reason_whatever_its_exit_code() {
    for code in [0, 143] {
        let seen = vec![
            (5, Seen::Evict),
            (6, Seen::Stopped),
            (6, Seen::Looked(Observed::Exited(exit(code)), event())),
            (6, Seen::Drained),
        ];
        let (_, action) = drive(running(), seen);
        assert_eq!(outcome(&action), Outcome::Failed(FailReason::Evicted));
    }
}

#[test]
fn an_attempt_that_is_evicted_while_it_is_created_is_never_started() {
    let fresh = Machine::fresh(terms(), at(0));
    let (machine, action) = drive(fresh, vec![(0, Seen::ImageReady), (1, Seen::Evict)]);
    assert_eq!(action, Action::Keep);
    let (_, action) = machine.step(Seen::Created(handle()), at(2));
    assert_eq!(outcome(&action), Outcome::Failed(FailReason::Evicted));
}

#[test]
fn what_is_cancelled_is_not_evicted() {
    let seen = vec![
        (5, Seen::Cancel(CancelReason::User)),
        (5, Seen::Evict),
        (6, Seen::Stopped),
        (6, Seen::Looked(Observed::Exited(exit(143)), event())),
        (6, Seen::Drained),
    ];
    let (_, action) = drive(running(), seen);
    assert_eq!(outcome(&action), Outcome::Cancelled(CancelReason::User));
}

#[test]
fn the_run_limit_stops_the_container_and_is_the_reason() {
    let machine = running();
    assert_eq!(machine.deadline(), Some(at(101)));
    let (machine, action) = machine.step(Seen::Clock, at(100));
    assert_eq!(
        action,
        Action::Keep,
        "a clock that has not run out changes nothing"
    );
    let seen = vec![
        (101, Seen::Clock),
        (102, Seen::Stopped),
        (102, Seen::Looked(Observed::Exited(exit(143)), event())),
        (102, Seen::Drained),
    ];
    let (_, action) = drive(machine, seen);
    assert_eq!(outcome(&action), Outcome::TimedOut(Limit::Run));
}

#[test]
fn a_container_that_survives_its_stop_is_stopped_again() {
    let still = Observed::Running { started_at: None };
    let seen = vec![
        (5, Seen::Cancel(CancelReason::User)),
        (6, Seen::Stopped),
        (6, Seen::Looked(still, Evidence::plain(Provenance::Inspect))),
    ];
    let (_, action) = drive(running(), seen);
    assert_eq!(action, Action::Stop(handle()));
}

#[test]
fn an_unreachable_host_decides_nothing_about_a_running_job() {
    let (machine, action) =
        running().step(Seen::Failed(Fault::Unreachable, "refused".into()), at(9));
    assert_eq!(action, Action::Again);
    assert_eq!(machine.state(), &State::Running(handle()));
}

#[test]
fn a_container_that_is_gone_is_lost_and_no_success() {
    let looked = Seen::Looked(Observed::Absent, Evidence::plain(Provenance::Inspect));
    let (_, action) = running().step(looked, at(9));
    assert_eq!(outcome(&action), Outcome::Failed(FailReason::Lost));
}

#[test]
fn an_attempt_that_ran_and_left_no_container_is_never_run_again() {
    let machine = Machine::new(terms(), Some(at(0)), at(9));
    let (_, action) = machine.step(
        Seen::Found(None, Evidence::plain(Provenance::Recovery)),
        at(9),
    );
    assert_eq!(outcome(&action), Outcome::Failed(FailReason::Lost));
}

#[test]
fn a_refused_start_is_the_jobs_own_fault() {
    let fresh = Machine::fresh(terms(), at(0));
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (
            1,
            Seen::Failed(Fault::StartRefused(127), "not found".into()),
        ),
    ];
    let (_, action) = drive(fresh, seen);
    assert_eq!(outcome(&action), Outcome::Failed(FailReason::Start(127)));
}

#[test]
fn an_image_that_vanishes_before_create_is_pulled_again_but_not_for_ever() {
    let mut machine = Machine::fresh(terms(), at(0));
    for _ in 0..2 {
        let gone = Seen::Failed(Fault::ImageNotFound, "gone".into());
        let action;
        (machine, action) = drive(machine, vec![(0, Seen::ImageReady), (0, gone)]);
        assert_eq!(action, Action::EnsureImage);
    }
    let gone = Seen::Failed(Fault::ImageNotFound, "gone".into());
    let (_, action) = drive(machine, vec![(0, Seen::ImageReady), (0, gone)]);
    assert_eq!(outcome(&action), Outcome::Failed(FailReason::ImageNotFound));
}

#[test]
fn a_slow_pull_is_a_timeout_of_the_pull() {
    let (_, action) = Machine::fresh(terms(), at(0)).step(Seen::Clock, at(60));
    assert_eq!(outcome(&action), Outcome::TimedOut(Limit::Pull));
}

#[test]
fn the_total_limit_counts_in_every_state() {
    let total = Terms {
        total_until: Some(at(10)),
        ..terms()
    };
    let (_, action) = Machine::fresh(total, at(0)).step(Seen::Clock, at(10));
    assert_eq!(outcome(&action), Outcome::TimedOut(Limit::Total));
}

fn judged(exit: &Exit, evidence: Evidence) -> Outcome {
    judge(exit, None, &evidence, &terms()).outcome
}

#[test]
fn oom_is_evidence_and_not_the_outcome() {
    let child = Exit {
        oom_killed: true,
        ..exit(0)
    };
    let verdict = judge(&child, None, &event(), &terms());
    assert_eq!(verdict.outcome, Outcome::Completed);
    assert!(verdict.message.unwrap().contains("lack of memory"));
    let main = Exit {
        oom_killed: true,
        ..exit(137)
    };
    assert_eq!(judged(&main, event()), Outcome::Failed(FailReason::Oom));
}

#[test]
fn a_kill_that_nobody_is_known_for_says_what_it_may_have_been() {
    let message = |evidence| judge(&exit(137), None, &evidence, &terms()).message;
    assert_eq!(
        judged(&exit(137), event()),
        Outcome::Failed(FailReason::Exit(137))
    );
    assert!(message(event()).unwrap().contains("lack of memory"));
    let by_hand = Evidence {
        foreign_kill: true,
        ..event()
    };
    assert_eq!(message(by_hand), None);
    let asked = Exit {
        cause: ExitCause::Stopped,
        ..exit(137)
    };
    assert_eq!(judge(&asked, None, &event(), &terms()).message, None);
}

#[test]
fn an_end_that_came_with_the_engines_own_is_lost() {
    let restarted = Evidence {
        provenance: Provenance::Inspect,
        foreign_kill: true,
        engine_started_at: Some(at(5)),
    };
    for code in [0, 9, 137, 143, 255] {
        assert_eq!(
            judged(&exit(code), restarted),
            Outcome::Failed(FailReason::Lost),
            "{code}"
        );
    }
    let event_then_restart = Evidence {
        provenance: Provenance::Event,
        ..restarted
    };
    assert_eq!(
        judged(&exit(0), event_then_restart),
        Outcome::Failed(FailReason::Lost)
    );
}

#[test]
fn an_end_long_before_the_engines_restart_is_believed() {
    let later = Evidence {
        provenance: Provenance::Recovery,
        foreign_kill: false,
        engine_started_at: Some(at(2) + SignedDuration::from_mins(1)),
    };
    assert_eq!(
        judged(&exit(5), later),
        Outcome::Failed(FailReason::Exit(5))
    );
}

#[test]
fn an_end_that_was_heard_live_is_believed() {
    assert_eq!(
        judged(&exit(255), event()),
        Outcome::Failed(FailReason::Exit(255))
    );
    let unheard = Evidence::plain(Provenance::Inspect);
    assert_eq!(
        judged(&exit(255), unheard),
        Outcome::Failed(FailReason::Lost)
    );
}

#[test]
fn a_lost_end_carries_no_exit_code() {
    let unheard = Evidence::plain(Provenance::Inspect);
    assert_eq!(judge(&exit(255), None, &unheard, &terms()).exit_code, None);
}

#[test]
fn times_that_run_backwards_are_clamped() {
    let odd = Exit {
        finished_at: Some(at(0)),
        ..exit(0)
    };
    assert_eq!(
        judge(&odd, None, &event(), &terms()).finished_at,
        Some(at(1))
    );
}

#[test]
fn a_worker_that_died_after_stopping_for_the_limit_is_not_forgotten() {
    let overrun = Exit {
        finished_at: Some(at(101)),
        ..exit(137)
    };
    let evidence = Evidence::plain(Provenance::Recovery);
    assert_eq!(judged(&overrun, evidence), Outcome::TimedOut(Limit::Run));
}

#[test]
fn a_run_that_was_ended_for_its_limit_is_a_timeout_whatever_its_code_and_whoever_tells() {
    for provenance in [Provenance::Event, Provenance::Recovery] {
        for code in [0, 3, 137, 143] {
            let limited = Exit {
                cause: ExitCause::RunLimit,
                ..exit(code)
            };
            let verdict = judge(&limited, None, &Evidence::plain(provenance), &terms());
            assert_eq!(verdict.outcome, Outcome::TimedOut(Limit::Run));
            assert_eq!(verdict.exit_code, Some(code));
        }
    }
}

#[test]
fn an_end_that_nobody_saw_is_lost_and_has_no_code() {
    let unseen = Exit {
        finished_at: None,
        cause: ExitCause::Unwitnessed,
        ..exit(0)
    };
    for provenance in [Provenance::Event, Provenance::Inspect, Provenance::Recovery] {
        let verdict = judge(&unseen, None, &Evidence::plain(provenance), &terms());
        assert_eq!(verdict.outcome, Outcome::Failed(FailReason::Lost));
        assert_eq!(verdict.exit_code, None);
    }
    let user = StopCause::Cancel(CancelReason::User);
    let verdict = judge(&unseen, Some(user), &event(), &terms());
    assert_eq!(verdict.outcome, Outcome::Cancelled(CancelReason::User));
    assert_eq!(verdict.exit_code, None);
}

/// A container that ran when its host fell silent at second 10, under this patience.
fn silent(lost_after: Option<Duration>) -> Machine {
    let patient = Terms {
        lost_after,
        ..terms()
    };
    let seen = vec![
        (0, Seen::ImageReady),
        (0, Seen::Created(handle())),
        (1, Seen::Started),
        (10, Seen::Failed(Fault::Unreachable, "away".into())),
    ];
    drive(Machine::fresh(patient, at(0)), seen).0
}

#[test]
fn a_silent_host_decides_nothing_until_the_patience_ends() {
    let minute = Some(Duration::from_mins(1));
    assert_eq!(silent(minute).deadline(), Some(at(70)));
    let (_, early) = drive(silent(minute), vec![(69, Seen::Clock)]);
    assert_eq!(early, Action::Keep);
    let (machine, late) = drive(silent(minute), vec![(70, Seen::Clock)]);
    let Action::Finish(verdict) = late else {
        panic!("{late:?}");
    };
    let lost = Outcome::Failed(FailReason::Lost);
    assert_eq!(
        (verdict.outcome, verdict.provenance),
        (lost, Provenance::Decision)
    );
    assert!(matches!(machine.state(), State::Ended(_)));
}

#[test]
fn a_host_that_answers_again_is_waited_for_anew() {
    let looked = Seen::Looked(Observed::Running { started_at: None }, event());
    let (machine, _) = drive(silent(Some(Duration::from_mins(1))), vec![(50, looked)]);
    // The run limit is what is left.
    assert_eq!(machine.deadline(), Some(at(101)));
}

#[test]
fn one_that_ran_is_never_judged_by_the_start_limit_while_its_host_is_silent() {
    let mut endless = terms();
    endless.run = None;
    let taken_over = Machine::new(endless.clone(), Some(at(0)), at(100));
    let away = Seen::Failed(Fault::Unreachable, "away".into());
    let (machine, action) = drive(taken_over, vec![(101, away), (100_000, Seen::Clock)]);
    assert_eq!((machine.deadline(), action), (None, Action::Keep));
    endless.lost_after = Some(Duration::from_mins(1));
    let known = Machine::new(endless, Some(at(0)), at(100)).unknown_since(Some(at(50)));
    assert_eq!(known.deadline(), Some(at(110)));
}
