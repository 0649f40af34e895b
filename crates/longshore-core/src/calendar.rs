//! Cron patterns and time zones as they are typed: read, or refused with what to type.

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::spec::text::InvalidValue;

/// A pattern is asked for its times only where it has any: others are refused.
const PROOF_FROM: Timestamp = Timestamp::constant(1_704_067_200, 0);

/// The zones that are built in, so that no machine judges otherwise than another.
pub(crate) fn zone(name: &str) -> Result<TimeZone, InvalidValue> {
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let hint = match like(&zones, name) {
            Some(like) => format!("did you mean `{like}`?"),
            None => "use a name such as Europe/Berlin or UTC".into(),
        };
        InvalidValue::new("time zone", name, hint)
    })
}

/// The shortest name of a zone that has this text in it: of `Berlin`, `Europe/Berlin`.
fn like(zones: &TimeZoneDatabase, text: &str) -> Option<String> {
    let wanted = text.trim().replace(' ', "_").to_ascii_lowercase();
    if wanted.len() < 3 {
        return None;
    }
    zones
        .available()
        .map(|name| name.to_string())
        .filter(|name| name.to_ascii_lowercase().contains(&wanted))
        .min_by_key(|name| (name.len(), name.clone()))
}

/// A pattern that has a time at least once.
pub(crate) fn pattern(text: &str) -> Result<Cron, InvalidValue> {
    let invalid = |hint: &'static str| InvalidValue::new("cron pattern", text, hint);
    let pattern: Cron = text
        .parse()
        .map_err(|_| invalid("use minute hour day month weekday, such as `0 3 * * 1-5`"))?;
    let from = PROOF_FROM.to_zoned(TimeZone::UTC);
    if pattern.find_next_occurrence(&from, true).is_err() {
        return Err(invalid("no day has such a time"));
    }
    Ok(pattern)
}
