//! The times of a schedule: a cron pattern on the wall clock of a zone, or a steady interval.
//!
//! Where clocks are put forward, a fixed time that does not exist that day is due at the first moment
//! after the gap, and repeated ones (`*/15 * * * *`) are not. Where they are put back, a fixed time
//! is due once, at its first passing, and repeated ones go on through both hours.

use std::fmt;
use std::iter;
use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::calendar;
use crate::spec::TimeLimit;
use crate::spec::text::{InvalidValue, text_value};

/// Name of the zone where none is named.
const UTC: &str = "UTC";

/// When a schedule is due, such as `0 3 * * * in Europe/Berlin` or `every 15m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timetable {
    /// By a cron pattern.
    Cron(Box<WallClock>),
    /// At all whole multiples of this time since 1970, by UTC.
    Every(TimeLimit),
}

text_value!(
    Timetable,
    Text,
    "a cron pattern and its time zone, or every and a time",
    "0 3 * * * in Europe/Berlin"
);

/// A cron pattern that is read on the wall clock of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallClock {
    cron: Cron,
    zone: TimeZone,
    /// The pattern and the zone as they were typed.
    typed: (String, String),
}

impl Timetable {
    /// By a cron pattern on the wall clock of a zone.
    ///
    /// # Errors
    /// The pattern is none or never due, or there is no such zone.
    pub fn cron(pattern: &str, zone: Option<&str>) -> Result<Self, InvalidValue> {
        let (pattern, zone) = (pattern.trim(), zone.map_or(UTC, str::trim));
        Ok(Self::Cron(Box::new(WallClock {
            cron: calendar::pattern(pattern)?,
            zone: calendar::zone(zone)?,
            typed: (pattern.to_owned(), zone.to_owned()),
        })))
    }

    /// The first time after this moment; `None` when there is none before the end of the calendar.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(clock) => clock.next_after(moment),
            Self::Every(length) => {
                let periods = periods_until(moment, *length);
                at_period(periods.checked_add(1)?, *length)
            }
        }
    }

    /// The last time that is not after this moment.
    pub fn last_until(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(clock) => clock.last_until(moment),
            Self::Every(length) => at_period(periods_until(moment, *length), *length),
        }
    }

    /// All times after this moment, in order.
    pub fn times_after(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> {
        iter::successors(self.next_after(moment), |time| self.next_after(*time))
    }

    /// All times that are not after this moment, newest first.
    pub fn times_until(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> {
        let step_back = |time: &Timestamp| {
            let before = time.checked_sub(jiff::Span::new().nanoseconds(1)).ok()?;
            self.last_until(before)
        };
        iter::successors(self.last_until(moment), step_back)
    }

    /// The zone in which its times are told.
    pub fn zone(&self) -> TimeZone {
        match self {
            Self::Cron(clock) => clock.zone.clone(),
            Self::Every(_) => TimeZone::UTC,
        }
    }
}

impl WallClock {
    fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&self.local(moment), false);
        found.ok().map(|zoned| zoned.timestamp())
    }

    fn last_until(&self, moment: Timestamp) -> Option<Timestamp> {
        let found = self
            .cron
            .find_previous_occurrence(&self.local(moment), true);
        found.ok().map(|zoned| zoned.timestamp())
    }

    /// The begin of the second in which the moment lies: no pattern knows parts of one.
    fn local(&self, moment: Timestamp) -> Zoned {
        let second = moment.as_nanosecond().div_euclid(1_000_000_000);
        let whole = i64::try_from(second)
            .ok()
            .and_then(|second| Timestamp::from_second(second).ok());
        whole.unwrap_or(moment).to_zoned(self.zone.clone())
    }
}

/// How many whole periods lie between 1970 and the moment.
fn periods_until(moment: Timestamp, length: TimeLimit) -> i128 {
    moment.as_nanosecond().div_euclid(nanoseconds(length))
}

fn at_period(periods: i128, length: TimeLimit) -> Option<Timestamp> {
    let nanoseconds = periods.checked_mul(nanoseconds(length))?;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

/// Never zero.
fn nanoseconds(length: TimeLimit) -> i128 {
    i128::try_from(length.duration().as_nanos())
        .unwrap_or(i128::MAX)
        .max(1)
}

impl FromStr for Timetable {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(length) = text.strip_prefix("every ") {
            return Ok(Self::Every(every(length)?));
        }
        match text.split_once(" in ") {
            Some((pattern, zone)) => Self::cron(pattern, Some(zone)),
            None => Self::cron(text, None),
        }
    }
}

/// Reads an interval.
fn every(text: &str) -> Result<TimeLimit, InvalidValue> {
    let length: TimeLimit = text.trim().parse()?;
    if length.duration().as_secs() == 0 {
        let hint = "use one second or more, such as 15m";
        return Err(InvalidValue::new("interval", text, hint));
    }
    Ok(length)
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(clock) => write!(f, "{} in {}", clock.typed.0, clock.typed.1),
            Self::Every(length) => write!(f, "every {length}"),
        }
    }
}
