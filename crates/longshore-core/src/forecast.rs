//! When a waiting job may be expected to start, from how long jobs ran in the past.
//!
//! A guess, and an honest one: where nothing is known there is no answer.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use crate::ids::HostId;

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// What ran, in canonical words.
    pub image: String,
    /// Where.
    pub host: HostId,
    /// How long from its claim to its end.
    pub took: Duration,
}

/// Medians of the past.
#[derive(Clone, Debug, Default)]
pub struct History {
    by_image: HashMap<String, Duration>,
    by_image_and_host: HashMap<(String, HostId), Duration>,
    runs: usize,
}

impl History {
    /// Of these runs.
    pub fn of(runs: &[PastRun]) -> Self {
        let pair = |run: &PastRun| (run.image.clone(), run.host);
        Self {
            by_image: medians(runs, |run| run.image.clone()),
            by_image_and_host: medians(runs, pair),
            runs: runs.len(),
        }
    }

    /// How long a job of this image takes: there, or else anywhere; `None` if none ever ran.
    pub fn duration(&self, image: &str, host: Option<HostId>) -> Option<Duration> {
        let there = host.and_then(|host| self.by_image_and_host.get(&(image.to_owned(), host)));
        there.or_else(|| self.by_image.get(image)).copied()
    }

    /// How many runs it is made of.
    pub fn runs(&self) -> usize {
        self.runs
    }
}

fn medians<K: std::hash::Hash + Eq>(
    runs: &[PastRun],
    key: impl Fn(&PastRun) -> K,
) -> HashMap<K, Duration> {
    let mut groups: HashMap<K, Vec<Duration>> = HashMap::new();
    for run in runs {
        groups.entry(key(run)).or_default().push(run.took);
    }
    let median = |mut group: Vec<Duration>| {
        group.sort_unstable();
        group[group.len() / 2]
    };
    groups
        .into_iter()
        .map(|(key, group)| (key, median(group)))
        .collect()
}

/// When the next job starts, if every slot takes the jobs ahead one after the other as it gets free.
/// `None` where a duration that it depends on is unknown, or nothing is ever free.
pub fn expected_start(
    slots: &[Option<Timestamp>],
    ahead: &[Option<Duration>],
) -> Option<Timestamp> {
    let mut free: BinaryHeap<Reverse<Timestamp>> =
        slots.iter().flatten().copied().map(Reverse).collect();
    for duration in ahead {
        let Reverse(at) = free.pop()?;
        // Without a duration nobody knows when this slot is free again.
        if let Some(duration) = duration {
            free.push(Reverse(at.saturating_add(*duration).ok()?));
        }
    }
    free.pop().map(|Reverse(at)| at)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn run(image: &str, host: u128, seconds: u64) -> PastRun {
        PastRun {
            image: image.into(),
            host: HostId::new(Uuid::from_u128(host)),
            took: secs(seconds),
        }
    }

    #[test]
    fn a_duration_is_the_median_there_or_else_anywhere() {
        let runs = [("a", 1, 1), ("a", 1, 3), ("a", 1, 100), ("a", 2, 500)];
        let history = History::of(&runs.map(|(image, host, took)| run(image, host, took)));
        let [one, three] = [1, 3].map(|host| Some(HostId::new(Uuid::from_u128(host))));
        assert_eq!(history.duration("a", one), Some(secs(3)));
        assert_eq!(history.duration("a", three), Some(secs(100)));
        assert_eq!(history.duration("b", one), None);
    }

    #[test]
    fn a_job_starts_when_a_slot_has_done_with_those_ahead() {
        let slots = [Some(at(10)), Some(at(20))];
        assert_eq!(expected_start(&slots, &[]), Some(at(10)));
        let ahead = [Some(secs(100)), Some(secs(5))];
        assert_eq!(expected_start(&slots, &ahead), Some(at(25)));
    }

    #[test]
    fn what_nobody_knows_is_not_guessed() {
        assert_eq!(expected_start(&[None], &[]), None);
        assert_eq!(expected_start(&[Some(at(1))], &[None]), None);
        assert_eq!(
            expected_start(&[Some(at(1)), Some(at(9))], &[None]),
            Some(at(9))
        );
        assert_eq!(expected_start(&[], &[]), None);
    }
}
