//! Maintenance windows: times, coming again and again, in which a host gets nothing new.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar;
use crate::spec::TimeLimit;
use crate::spec::text::{InvalidValue, text_value};

/// A window that begins by a cron pattern and lasts for a while, such as `0 2 * * 6 for 2h in
/// Europe/Berlin`. The pattern is read on the wall clock of the zone, UTC if none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    begins: Cron,
    lasts: TimeLimit,
    zone: TimeZone,
    /// The pattern and the zone as they were typed.
    typed: (String, Option<String>),
}

text_value!(
    MaintenanceWindow,
    Text,
    "a cron pattern and how long the window lasts, with a time zone if it is not UTC",
    "0 2 * * 6 for 2h in Europe/Berlin"
);

impl MaintenanceWindow {
    /// When the window ends in which this moment lies, if in one.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        let begun = self.begins.find_previous_occurrence(&local, true).ok()?;
        let until = begun.timestamp().checked_add(self.lasts.duration()).ok()?;
        (until > now).then_some(until)
    }

    /// The same window on the wall clock of this zone.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn in_zone(self, name: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            zone: calendar::zone(name)?,
            typed: (self.typed.0, Some(name.to_owned())),
            ..self
        })
    }
}

impl FromStr for MaintenanceWindow {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |hint: &'static str| InvalidValue::new("maintenance window", text, hint);
        let (pattern, rest) = text
            .split_once(" for ")
            .ok_or_else(|| invalid("use CRON for TIME, such as `0 2 * * 6 for 2h`"))?;
        let (lasts, zone_name) = match rest.split_once(" in ") {
            Some((lasts, name)) => (lasts, Some(name.trim())),
            None => (rest, None),
        };
        let pattern = pattern.trim();
        let begins = calendar::pattern(pattern)?;
        Ok(Self {
            begins,
            lasts: lasts.trim().parse()?,
            zone: zone_name.map_or(Ok(TimeZone::UTC), calendar::zone)?,
            typed: (pattern.to_owned(), zone_name.map(str::to_owned)),
        })
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pattern, zone) = &self.typed;
        write!(f, "{pattern} for {}", self.lasts)?;
        match zone {
            Some(zone) => write!(f, " in {zone}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(window: &str, now: &str) -> Option<String> {
        let window: MaintenanceWindow = window.parse().unwrap();
        let until = window.until(now.parse().unwrap());
        until.map(|until| until.to_string())
    }

    #[test]
    fn a_window_holds_from_its_beginning_to_just_before_its_end() {
        let nightly = "0 2 * * * for 90m";
        assert_eq!(until(nightly, "2026-11-25T01:59:59Z"), None);
        let end = Some("2026-11-25T03:30:00Z".to_owned());
        assert_eq!(until(nightly, "2026-11-25T02:00:00Z"), end);
        assert_eq!(until(nightly, "2026-11-25T03:29:59Z"), end);
        assert_eq!(until(nightly, "2026-11-25T03:30:00Z"), None);
    }

    #[test]
    fn a_window_follows_the_wall_clock_of_its_zone_through_the_year() {
        let saturday = "0 2 * * 6 for 2h in Europe/Berlin";
        assert!(until(saturday, "2026-07-04T00:30:00Z").is_some());
        assert!(until(saturday, "2026-12-05T00:30:00Z").is_none());
        assert!(until(saturday, "2026-12-05T01:30:00Z").is_some());
    }

    #[test]
    fn a_window_over_midnight_holds_on_the_next_day() {
        let end = Some("2026-11-26T01:00:00Z".to_owned());
        assert_eq!(until("0 23 * * * for 2h", "2026-11-26T00:30:00Z"), end);
    }

    #[test]
    fn a_window_reads_back_as_it_is_printed() {
        for text in ["0 2 * * 6 for 2h", "30 1 * * MON for 45m in Europe/Berlin"] {
            let window: MaintenanceWindow = text.parse().unwrap();
            assert_eq!(window.to_string(), text);
            let json = serde_json::to_string(&window).unwrap();
            assert_eq!(
                serde_json::from_str::<MaintenanceWindow>(&json).unwrap(),
                window
            );
        }
        let moved: MaintenanceWindow = "0 2 * * 6 for 2h".parse().unwrap();
        let moved = moved.in_zone("Asia/Tokyo").unwrap();
        assert_eq!(moved.to_string(), "0 2 * * 6 for 2h in Asia/Tokyo");
    }

    #[test]
    fn what_is_no_window_is_refused_with_what_to_type() {
        for (text, hint) in [
            ("0 2 * * 6", "use CRON for TIME"),
            ("often for 2h", "minute hour day month weekday"),
            ("0 2 30 2 * for 2h", "no day has such a time"),
            ("0 2 * * 6 for long", "use seconds or units"),
            ("0 2 * * 6 for 2h in Atlantis", "Europe/Berlin"),
        ] {
            let error = text.parse::<MaintenanceWindow>().unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
