//! Durations, ages, sizes and moments in few characters.

use std::time::Duration;

use jiff::Timestamp;

/// Units of sizes, largest first, with how far each is shifted.
const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// A duration by its two largest units: `0.3s`, `42s`, `3m 10s`, `2h 5m`, `3d 4h`.
pub(crate) fn duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..10 => format!("{secs}.{}s", duration.subsec_millis() / 100),
        10..60 => format!("{secs}s"),
        60..3_600 => format!("{}m {}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h {}m", secs / 3_600, secs / 60 % 60),
        _ => format!("{}d {}h", secs / 86_400, secs / 3_600 % 24),
    }
}

/// The time from one moment to a later one; zero when clocks disagree.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// How long ago a moment was, by its largest unit: `5s ago`, `3m ago`, `2d ago`.
pub(crate) fn age(moment: Timestamp, now: Timestamp) -> String {
    let secs = between(moment, now).as_secs();
    match secs {
        0 => "now".to_owned(),
        1..60 => format!("{secs}s ago"),
        60..3_600 => format!("{}m ago", secs / 60),
        3_600..86_400 => format!("{}h ago", secs / 3_600),
        _ => format!("{}d ago", secs / 86_400),
    }
}

/// A moment relative to the first one of a timeline: `+0.042s`, `+3m 10s`.
pub(crate) fn offset(from: Timestamp, to: Timestamp) -> String {
    let passed = between(from, to);
    if passed < Duration::from_mins(1) {
        return format!("+{}.{:03}s", passed.as_secs(), passed.subsec_millis());
    }
    format!("+{}", duration(passed))
}

/// A size in binary units with one decimal: `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let Some((unit, shift)) = UNITS.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        let shown = [350, 42_000, 190_000, 7_500_000, 273_600_000]
            .map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.3s", "42s", "3m 10s", "2h 5m", "3d 4h"]);
    }

    #[test]
    fn a_moment_in_the_future_is_now() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(age(Timestamp::from_second(2_000).unwrap(), now), "now");
        assert_eq!(age(Timestamp::from_second(400).unwrap(), now), "10m ago");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!([0, 1536, 1 << 31].map(size), ["0 B", "1.5 KiB", "2.0 GiB"]);
    }
}
