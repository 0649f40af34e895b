//! Times through the changes of clocks, and what is owed after an absence.

use std::iter::zip;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first times after a moment, as UTC.
fn times(timetable: &str, from: &str, count: usize) -> Vec<String> {
    let timetable: Timetable = timetable.parse().unwrap();
    let times = timetable.times_after(at(from)).take(count);
    times.map(|time| time.to_string()).collect()
}

#[test]
#[rustfmt::skip]
fn each_zone_keeps_its_wall_clock_when_clocks_change() {
    let table: &[(&str, &str, &[&str])] = &[
        // Put forward: a fixed time in the gap is due right behind it, once.
        ("30 2 * * * in Europe/Berlin", "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * * in America/New_York", "2026-03-07T12:00:00Z",
            &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]),
        ("15 2 * * * in Australia/Lord_Howe", "2026-10-03T00:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]),
        ("30 2 * * * in UTC", "2026-03-28T12:00:00Z",
            &["2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"]),
        // Put forward: repeated times go on on the other side.
        ("*/30 * * * * in Europe/Berlin", "2026-03-29T00:30:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
        // Put back: a fixed time is due once, at its first passing.
        ("30 2 * * * in Europe/Berlin", "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("30 1 * * * in America/New_York", "2026-10-31T12:00:00Z",
            &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
        ("45 1 * * * in Australia/Lord_Howe", "2026-04-04T00:00:00Z",
            &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]),
        // Put back: repeated times go on through both hours.
        ("*/30 * * * * in Europe/Berlin", "2026-10-25T00:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]),
        ("*/15 * * * * in Australia/Lord_Howe", "2026-04-04T14:30:00Z",
            &["2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z"]),
    ];
    for (timetable, from, wanted) in table {
        assert_eq!(times(timetable, from, wanted.len()), *wanted, "{timetable}");
    }
}

#[test]
fn the_same_times_are_found_backwards() {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "UTC",
    ];
    let patterns = ["30 2 * * *", "45 1 * * *", "*/15 * * * *", "0 */2 * * 0"];
    for timetable in patterns
        .iter()
        .flat_map(|pattern| zones.map(|zone| format!("{pattern} in {zone}")))
    {
        let timetable: Timetable = timetable.parse().unwrap();
        for (from, until) in [
            ("2026-03-06T00:00:00Z", "2026-04-07T00:00:00Z"),
            ("2026-10-01T00:00:00Z", "2026-11-04T00:00:00Z"),
        ] {
            let (from, until) = (at(from), at(until));
            let there: Vec<_> = timetable
                .times_after(from)
                .take_while(|time| *time <= until)
                .collect();
            let mut back: Vec<_> = timetable
                .times_until(until)
                .take_while(|time| *time > from)
                .collect();
            back.reverse();
            for (there, back) in zip(&there, &back) {
                assert_eq!(there, back, "{timetable}");
            }
            assert_eq!(there.len(), back.len(), "{timetable}");
        }
    }
}

#[test]
fn a_steady_interval_falls_on_its_whole_multiples() {
    let wanted = ["2026-11-25T10:15:00Z", "2026-11-25T10:30:00Z"];
    assert_eq!(times("every 15m", "2026-11-25T10:00:00Z", 2), wanted);
    assert_eq!(times("every 15m", "2026-11-25T10:00:00.5Z", 2), wanted);
}

#[test]
fn a_part_of_a_second_neither_repeats_nor_loses_a_time() {
    let daily: Timetable = "0 3 * * *".parse().unwrap();
    let time = at("2026-11-25T03:00:00Z");
    assert_eq!(
        daily.next_after(at("2026-11-25T02:59:59.999999999Z")),
        Some(time)
    );
    assert_eq!(daily.last_until(at("2026-11-25T03:00:00.5Z")), Some(time));
    let tomorrow = at("2026-11-26T03:00:00Z");
    assert_eq!(
        daily.next_after(at("2026-11-25T03:00:00.5Z")),
        Some(tomorrow)
    );
}

#[test]
fn a_timetable_reads_back_as_it_is_printed() {
    for text in ["0 3 * * * in UTC", "@daily in Asia/Tokyo", "every 15m"] {
        let timetable: Timetable = text.parse().unwrap();
        assert_eq!(timetable.to_string(), text);
    }
}

#[test]
fn what_is_no_timetable_is_refused_with_what_to_type() {
    for (text, hint) in [
        ("often", "minute hour day month weekday"),
        ("0 25 * * *", "minute hour day month weekday"),
        ("0 2 30 2 *", "no day has such a time"),
        ("0 3 * * * in Berlin", "did you mean `Europe/Berlin`?"),
        ("0 3 * * * in Atlantis", "Europe/Berlin"),
        ("every now and then", "use seconds or units"),
        ("every 10ms", "one second or more"),
    ] {
        let error = text.parse::<Timetable>().unwrap_err().to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
}

/// An hourly schedule that was settled at midnight.
fn hourly(missed: Missed) -> Schedule {
    let midnight = at("2026-11-25T00:00:00Z");
    Schedule {
        name: "hourly".parse().unwrap(),
        spec: serde_json::from_str(r#"{"image": "demo:1"}"#).unwrap(),
        timetable: "0 * * * *".parse().unwrap(),
        overlap: Overlap::Allow,
        missed,
        paused_at: None,
        settled_until: midnight,
        created_at: midnight,
        updated_at: midnight,
    }
}

fn check(missed: Missed, now: &str, turns: &[&str], passed_over: Option<&str>) {
    let owed = hourly(missed).owed(at(now));
    let wanted = Owed {
        turns: turns.iter().map(|time| at(time)).collect(),
        passed_over: passed_over.map(at),
    };
    assert_eq!(owed, wanted, "{missed} at {now}");
}

#[test]
#[rustfmt::skip]
fn missed_times_are_made_up_for_by_the_policy() {
    let (one, two, three) = ("2026-11-25T01:00:00Z", "2026-11-25T02:00:00Z", "2026-11-25T03:00:00Z");
    for missed in [Missed::Skip, Missed::Once, Missed::All] {
        check(missed, "2026-11-25T00:59:59Z", &[], None);
        check(missed, "2026-11-25T01:00:00Z", &[one], None);
        check(missed, "2026-11-25T01:00:59Z", &[one], None);
    }
    let late = "2026-11-25T03:20:00Z";
    check(Missed::Skip, late, &[], Some(three));
    check(Missed::Once, late, &[three], Some(two));
    check(Missed::All, late, &[one, two, three], None);
    // One that is noticed in time stands for those before it.
    check(Missed::Skip, three, &[three], Some(two));
    check(Missed::Once, three, &[three], Some(two));
}

#[test]
fn a_long_absence_is_made_up_for_within_a_bound() {
    let owed = hourly(Missed::All).owed(at("2027-11-25T00:00:00Z"));
    assert_eq!(owed.turns.len(), limits::SCHEDULE_MISSED);
    assert!(owed.passed_over < owed.turns.first().copied());
    assert_eq!(owed.settled_until(), Some(at("2027-11-25T00:00:00Z")));
}

#[test]
fn a_paused_schedule_owes_nothing_and_is_never_due() {
    let mut paused = hourly(Missed::All);
    paused.paused_at = Some(at("2026-11-25T00:10:00Z"));
    assert_eq!(paused.owed(at("2026-11-25T09:00:00Z")), Owed::default());
    assert_eq!(paused.next_at(), None);
}

#[test]
fn a_clock_that_jumped_back_far_makes_times_due_again() {
    let schedule = hourly(Missed::Once);
    assert_eq!(schedule.rewound(at("2026-11-24T23:59:30Z")), None);
    let yesterday = at("2026-11-24T10:00:00Z");
    assert_eq!(schedule.rewound(yesterday), Some(yesterday));
}

#[test]
fn a_clock_that_goes_to_and_fro_brings_no_times_from_before_it_was_made() {
    let mut schedule = hourly(Missed::All);
    schedule.settled_until = at("2026-11-24T20:00:00Z");
    let turns = schedule.owed(at("2026-11-25T02:00:00Z")).turns;
    assert_eq!(
        turns,
        [at("2026-11-25T01:00:00Z"), at("2026-11-25T02:00:00Z")]
    );
    // Made while the clock was ahead: its times come nevertheless.
    let turns = schedule.owed(at("2026-11-24T21:00:00Z")).turns;
    assert_eq!(turns, [at("2026-11-24T21:00:00Z")]);
}

#[test]
fn the_overlap_policy_rules_only_while_the_job_before_is_open() {
    for (overlap, turn) in [
        (Overlap::Allow, Turn::Fire),
        (Overlap::Skip, Turn::Skip),
        (Overlap::Queue, Turn::Wait),
        (Overlap::Replace, Turn::Replace),
    ] {
        assert_eq!(overlap.turn(Before::Over), Turn::Fire);
        assert_eq!(overlap.turn(Before::Open), turn);
        assert_eq!(overlap.to_string().parse(), Ok(overlap));
    }
}

#[test]
fn a_job_has_the_name_of_its_schedule_and_is_told_its_time() {
    let mut schedule = hourly(Missed::Once);
    let job = schedule.job_at(at("2026-11-25T01:00:00Z"));
    assert_eq!(
        job.name.as_ref().map(ToString::to_string),
        Some("hourly".into())
    );
    let told = job.env.get(&SCHEDULED_AT.parse().unwrap());
    assert_eq!(told.map(String::as_str), Some("2026-11-25T01:00:00Z"));
    schedule.spec.name = "own".parse().ok();
    assert_eq!(
        schedule.job_at(at("2026-11-25T01:00:00Z")).name,
        schedule.spec.name
    );
}
