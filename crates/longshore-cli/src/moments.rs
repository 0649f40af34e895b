//! Moments as people type them: `10m` ago, in `10m`, or a point in time.

use std::time::Duration;

use jiff::{Timestamp, Zoned, civil};
use longshore_core::spec::TimeLimit;

/// A duration such as 10m.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<TimeLimit>()
        .map(TimeLimit::duration)
        .map_err(|invalid| invalid.to_string())
}

/// A point in time: RFC 3339, or a local time without offset.
pub(crate) fn parse_moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp());
    }
    let local = text.parse::<civil::DateTime>().ok().and_then(|local| {
        local
            .to_zoned(jiff::tz::TimeZone::system())
            .ok()
            .map(|zoned| zoned.timestamp())
    });
    local.ok_or_else(|| {
        format!(
            "`{text}` is no moment: use a time such as 2026-11-23T18:00:00Z or 2026-11-23 18:00"
        )
    })
}

/// A moment of the past: how long ago, or when.
pub(crate) fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if text.trim_end_matches(['s', 'm', 'h']) == "0" {
        return Ok(now);
    }
    if let Ok(ago) = parse_duration(text) {
        return Ok(now - ago);
    }
    parse_moment(text).map_err(|_| {
        format!("`{text}` is no time: use 10m for ten minutes ago, or 2026-11-23T18:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_typed_as_a_duration_or_a_moment() {
        let now = Timestamp::from_second(10_000).unwrap();
        assert_eq!(
            parse_since("10m", now),
            Timestamp::from_second(9_400).map_err(|e| e.to_string())
        );
        assert_eq!(
            parse_since("1970-01-01T00:01:00Z", now)
                .unwrap()
                .as_second(),
            60
        );
        assert!(parse_since("yesterday", now).unwrap_err().contains("10m"));
    }

    #[test]
    fn a_moment_with_an_offset_is_understood() {
        assert_eq!(
            parse_moment("1970-01-01T01:00:00+01:00")
                .unwrap()
                .as_second(),
            0
        );
        assert!(parse_moment("10m").is_err());
    }
}
