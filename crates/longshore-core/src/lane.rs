//! Lanes of the queue: jobs that start under the same conditions wait in one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::outcome::UnknownWord;
use crate::spec::{AtOnce, JobSpec, LimitKey, OwnerName, QueueName};

/// What decides, beside the hosts, whether a job may start: all jobs of a lane may, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The queue, which may be paused.
    pub queue: QueueName,
    /// Whose turn it has to be; those who name no owner share one turn.
    pub owner: Option<OwnerName>,
    /// How many attempts of each key may hold a slot for one more to start.
    limits: BTreeMap<LimitKey, AtOnce>,
}

impl Lane {
    /// The lane of a job.
    pub fn of(spec: &JobSpec) -> Self {
        Self {
            queue: spec.queue.clone(),
            owner: spec.owner.clone(),
            limits: spec.limits.clone(),
        }
    }

    /// Its limits.
    pub fn limits(&self) -> impl Iterator<Item = (&LimitKey, AtOnce)> {
        self.limits.iter().map(|(key, most)| (key, *most))
    }

    /// Whether it has any limit.
    pub fn is_limited(&self) -> bool {
        !self.limits.is_empty()
    }
}

// `queue/owner/key=3,other=1`; none of the names has a separator in it.
impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_ref().map_or("", OwnerName::as_str);
        write!(f, "{}/{owner}/", self.queue)?;
        for (index, (key, most)) in self.limits().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{key}={most}")?;
        }
        Ok(())
    }
}

impl FromStr for Lane {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        parse(text).ok_or_else(|| UnknownWord::new("lane", text))
    }
}

fn parse(text: &str) -> Option<Lane> {
    let (queue, rest) = text.split_once('/')?;
    let (owner, limits) = rest.split_once('/')?;
    let owner = match owner {
        "" => None,
        owner => Some(owner.parse().ok()?),
    };
    let limits = limits.split(',').filter(|limit| !limit.is_empty());
    let limit = |limit: &str| {
        let (key, most) = limit.split_once('=')?;
        Some((key.parse().ok()?, most.parse().ok()?))
    };
    Some(Lane {
        queue: queue.parse().ok()?,
        owner,
        limits: limits.map(limit).collect::<Option<_>>()?,
    })
}

/// A limit that keeps a lane from starting another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullLimit {
    /// Its key.
    pub key: LimitKey,
    /// How many attempts of the key may hold a slot for one more to start.
    pub most: AtOnce,
    /// How many do.
    pub held: u32,
}

impl fmt::Display for FullLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, most, held } = self;
        write!(
            f,
            "limit {key}={most} is full: {held} of this key hold a slot"
        )
    }
}

/// How many attempts hold a slot, by owner and by key of a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    owners: BTreeMap<Option<OwnerName>, u32>,
    keys: BTreeMap<LimitKey, u32>,
}

impl Holding {
    /// Counts attempts of a lane.
    pub fn add(&mut self, lane: &Lane, attempts: u32) {
        *self.owners.entry(lane.owner.clone()).or_default() += attempts;
        for (key, _) in lane.limits() {
            *self.keys.entry(key.clone()).or_default() += attempts;
        }
    }

    /// Attempts of the owner of a lane.
    pub fn of_owner(&self, lane: &Lane) -> u32 {
        self.owners.get(&lane.owner).copied().unwrap_or(0)
    }

    /// The first limit of a lane that is full. Each lane's own number counts for its own start.
    pub fn full(&self, lane: &Lane) -> Option<FullLimit> {
        lane.limits().find_map(|(key, most)| {
            let held = self.keys.get(key).copied().unwrap_or(0);
            (held >= most.get()).then(|| FullLimit {
                key: key.clone(),
                most,
                held,
            })
        })
    }
}

impl FromIterator<(Lane, u32)> for Holding {
    fn from_iter<I: IntoIterator<Item = (Lane, u32)>>(lanes: I) -> Self {
        let mut holding = Self::default();
        for (lane, attempts) in lanes {
            holding.add(&lane, attempts);
        }
        holding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(text: &str) -> Lane {
        text.parse().unwrap()
    }

    #[test]
    fn a_lane_reads_back_its_text() {
        for text in ["default//", "nightly/alice/", "q/a@b.c/db=1,gpu=3"] {
            assert_eq!(lane(text).to_string(), text);
        }
        for text in ["default", "default/", "/a/", "q//gpu", "q//gpu=0", "q/a b/"] {
            assert!(text.parse::<Lane>().is_err(), "{text}");
        }
        assert_eq!(Lane::default(), lane("default//"));
    }

    #[test]
    fn each_lane_is_held_by_its_own_number_of_what_all_lanes_of_a_key_hold() {
        let holding: Holding = [(lane("q/a/gpu=3"), 1), (lane("q/b/db=1,gpu=2"), 1)]
            .into_iter()
            .collect();
        for (text, full) in [
            ("q/a/gpu=3", None),
            ("q/a/gpu=2", Some("gpu")),
            ("q/c/db=1,gpu=9", Some("db")),
            ("q/c/other=1", None),
            ("q/c/", None),
        ] {
            let found = holding.full(&lane(text)).map(|full| full.key.to_string());
            assert_eq!(found.as_deref(), full, "{text}");
        }
        assert_eq!(holding.of_owner(&lane("x/b/")), 1);
        assert_eq!(holding.of_owner(&Lane::default()), 0);
    }
}
