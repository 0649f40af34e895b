//! How a breaker moves, and what counts against a host.

use super::*;
use crate::outcome::{CancelReason, Limit, Provenance};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn failed() -> Showing {
    Showing::Failed("lost".into())
}

fn after(showings: &[Showing]) -> Breaker {
    showings.iter().fold(Breaker::CLOSED, |breaker, showing| {
        breaker.after(showing, at(0))
    })
}

fn opened_by_strikes() -> Vec<Showing> {
    vec![failed(); BREAKER_STRIKES as usize]
}

fn pause_of(breaker: &Breaker) -> i64 {
    match breaker {
        Breaker::Open(trip) => trip.until.duration_since(at(0)).as_secs(),
        Breaker::Closed { .. } | Breaker::HalfOpen(_) => 0,
    }
}

#[test]
fn only_strikes_in_a_row_open_the_breaker() {
    let mut showings = opened_by_strikes();
    assert_eq!(after(&showings).position(), Position::Open);
    showings.insert(1, Showing::Worked);
    assert_eq!(after(&showings).position(), Position::Closed);
    assert_eq!(after(&[failed()]).position(), Position::Closed);
}

#[test]
fn attempts_do_not_lead_out_of_the_open_state() {
    let open = after(&opened_by_strikes());
    for showing in [Showing::Started, Showing::Worked, failed()] {
        assert_eq!(open.clone().after(&showing, at(9)), open);
    }
    assert_eq!(open.after(&Showing::Vouched, at(9)), Breaker::CLOSED);
}

#[test]
fn a_canary_half_opens_and_the_next_attempt_decides() {
    let half = after(&[opened_by_strikes(), vec![Showing::CanaryReturned]].concat());
    assert_eq!(half.position(), Position::HalfOpen);
    let worked = half.clone().after(&Showing::Worked, at(1));
    assert_eq!(worked, Breaker::CLOSED);
    assert_eq!(
        half.clone().after(&failed(), at(1)).position(),
        Position::Open
    );
    let runs = half.after(&Showing::Started, at(1));
    assert_eq!(runs.position(), Position::Closed);
    assert_eq!(runs.after(&failed(), at(1)).position(), Position::Open);
}

#[test]
fn the_pause_doubles_until_an_attempt_came_to_its_end() {
    let mut breaker = after(&opened_by_strikes());
    let first = pause_of(&breaker);
    breaker = breaker.after(&Showing::CanaryLost("no".into()), at(0));
    assert_eq!(pause_of(&breaker), 2 * first);
    for _ in 0..20 {
        breaker = breaker.after(&Showing::CanaryReturned, at(0));
        breaker = breaker.after(&failed(), at(0));
    }
    assert_eq!(
        Duration::from_secs(pause_of(&breaker).unsigned_abs()),
        BREAKER_PAUSE_LAST
    );
    breaker = breaker.after(&Showing::CanaryReturned, at(0));
    breaker = breaker.after(&Showing::Worked, at(0));
    for strike in opened_by_strikes() {
        breaker = breaker.after(&strike, at(0));
    }
    assert_eq!(pause_of(&breaker), first);
}

#[test]
fn most_of_what_is_learnt_about_a_host_that_is_well_is_no_news() {
    for showing in [Showing::Started, Showing::Worked] {
        assert!(!Breaker::CLOSED.is_moved_by(&showing, at(0)));
    }
    assert!(Breaker::CLOSED.is_moved_by(&failed(), at(0)));
}

#[test]
fn only_what_the_host_is_to_blame_for_is_a_strike() {
    let verdict = |outcome, ran: bool| Verdict {
        started_at: ran.then(|| at(0)),
        ..Verdict::without_run(outcome, Provenance::Event, None)
    };
    let lost = Outcome::Failed(FailReason::Lost);
    let exit = Outcome::Failed(FailReason::Exit(1));
    let pull = Outcome::Failed(FailReason::ImagePull);
    let full = Some(Fault::ImagePull(PullFault::DiskFull));
    let limited = Some(Fault::ImagePull(PullFault::RateLimited));
    let strike = |outcome: Outcome| Some(Showing::Failed(outcome.to_string()));
    for (outcome, ran, fault, expected) in [
        (lost, true, None, strike(lost)),
        (
            Outcome::TimedOut(Limit::Start),
            false,
            None,
            strike(Outcome::TimedOut(Limit::Start)),
        ),
        (pull, false, full, strike(pull)),
        (pull, false, limited, None),
        (exit, true, None, Some(Showing::Worked)),
        (Outcome::Completed, true, None, Some(Showing::Worked)),
        (Outcome::Cancelled(CancelReason::User), false, None, None),
        (Outcome::Failed(FailReason::Evicted), true, None, None),
        (
            Outcome::Failed(FailReason::ImageNotFound),
            false,
            None,
            None,
        ),
    ] {
        assert_eq!(
            showing_of(&verdict(outcome, ran), fault),
            expected,
            "{outcome:?}"
        );
    }
}
