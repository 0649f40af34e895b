//! Schedules: a spec and the times at which jobs are made of it. What is owed at a moment is ruled here.
//!
//! Terms: a *nominal time* is one that the timetable names, however late it is noticed; to *fire* is
//! to make a job for one; a schedule is *settled* up to the last nominal time that was dealt with.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::limits;
use crate::spec::text::{InvalidValue, text_value};
use crate::spec::{JobSpec, ScheduleName};

mod timetable;

#[cfg(test)]
mod tests;

pub use timetable::{Timetable, WallClock};

/// Variable of the container that tells the nominal time it was made for.
pub const SCHEDULED_AT: &str = "LONGSHORE_SCHEDULED_AT";

/// A spec that becomes a job at each of its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: ScheduleName,
    /// What each job is, with all defaults applied.
    pub spec: JobSpec,
    /// When.
    pub timetable: Timetable,
    /// What happens while the job before is not over.
    pub overlap: Overlap,
    /// What happens about times at which no worker was there.
    pub missed: Missed,
    /// Since when it fires nothing, if somebody paused it.
    pub paused_at: Option<Timestamp>,
    /// Nominal times up to here are dealt with.
    pub settled_until: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last made anew, paused or resumed.
    pub updated_at: Timestamp,
}

/// What happens at a time at which the job before is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// Both run.
    #[default]
    Allow,
    /// That time is skipped.
    Skip,
    /// The new job is made when the one before is over.
    Queue,
    /// The one before is cancelled, and the new job is made when it is over.
    Replace,
}

text_value!(
    Overlap,
    Text,
    "what happens while the job before is not over: allow, skip, queue or replace",
    "skip"
);

/// What happens about times that passed while no worker was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One job makes up for all of them.
    #[default]
    Once,
    /// Each gets its job, the newest [`limits::SCHEDULE_MISSED`] of them.
    All,
}

text_value!(
    Missed,
    Text,
    "what happens about times at which no worker was there: skip, once or all",
    "once"
);

/// What a nominal time brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A job.
    Fire,
    /// Nothing.
    Skip,
    /// A job, when the one before is over.
    Wait,
    /// The same, and the one before is to be cancelled.
    Replace,
}

/// What a schedule owes at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Nominal times that are to have their turn, oldest first.
    pub turns: Vec<Timestamp>,
    /// The newest nominal time that is passed over, as all before it are.
    pub passed_over: Option<Timestamp>,
}

impl Schedule {
    /// When it is next due; `None` while it is paused, and where its times have come to an end.
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.paused_at.is_some() {
            return None;
        }
        self.timetable.next_after(self.settled_until)
    }

    /// What it owes now: all times since it was settled last, by what is to happen about missed ones.
    ///
    /// Times of the last [`limits::SCHEDULE_LATE`] count as noticed, not as missed.
    pub fn owed(&self, now: Timestamp) -> Owed {
        if self.paused_at.is_some() {
            return Owed::default();
        }
        let after = self.open_after(now);
        let times: Vec<Timestamp> = self
            .timetable
            .times_until(now)
            .take_while(|time| *time > after)
            .take(limits::SCHEDULE_MISSED + 1)
            .collect();
        let noticed = times
            .iter()
            .take_while(|time| now.duration_since(**time).unsigned_abs() <= limits::SCHEDULE_LATE)
            .count();
        let count = match self.missed {
            Missed::Skip => noticed,
            Missed::Once => noticed.max(1),
            Missed::All => times.len(),
        };
        let count = count.min(times.len()).min(limits::SCHEDULE_MISSED);
        let mut turns = times[..count].to_vec();
        turns.reverse();
        let passed_over = times.get(count).copied();
        Owed { turns, passed_over }
    }

    /// Times up to here had their turn, or came before it was made or resumed: after a jump of the clock
    /// to the past and back it may be settled up to a time before that.
    fn open_after(&self, now: Timestamp) -> Timestamp {
        if self.updated_at > now {
            return self.settled_until;
        }
        self.settled_until.max(self.updated_at)
    }

    /// The job for a nominal time: named as the schedule unless it has a name of its own, and told
    /// its time by [`SCHEDULED_AT`].
    pub fn job_at(&self, nominal: Timestamp) -> JobSpec {
        let mut spec = self.spec.clone();
        let name = || self.name.as_str().parse().ok();
        spec.name = spec.name.or_else(name);
        let variable = SCHEDULED_AT.parse().expect("it is a name");
        spec.env.insert(variable, nominal.to_string());
        spec
    }

    /// Where it stands after a jump of the clock to long before the time it is settled up to: times
    /// that come again are due again, and those that have had their turn are known by it.
    pub fn rewound(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = self.settled_until.duration_since(now);
        let is_far = ahead.is_positive() && ahead.unsigned_abs() > limits::SCHEDULE_LATE;
        is_far.then_some(now)
    }
}

impl Owed {
    /// Up to where the schedule is settled when all this is done.
    pub fn settled_until(&self) -> Option<Timestamp> {
        self.turns.last().copied().max(self.passed_over)
    }
}

impl Overlap {
    /// What a nominal time brings while the job before is over, or is not.
    pub fn turn(self, before: Before) -> Turn {
        match (before, self) {
            (Before::Over, _) | (Before::Open, Self::Allow) => Turn::Fire,
            (Before::Open, Self::Skip) => Turn::Skip,
            (Before::Open, Self::Queue) => Turn::Wait,
            (Before::Open, Self::Replace) => Turn::Replace,
        }
    }
}

/// Whether earlier jobs of a schedule are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// All of them are.
    Over,
    /// One is not, or one is still to be made.
    Open,
}

impl FromStr for Overlap {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "allow" => Ok(Self::Allow),
            "skip" => Ok(Self::Skip),
            "queue" => Ok(Self::Queue),
            "replace" => Ok(Self::Replace),
            _ => {
                let hint = "use allow, skip, queue or replace";
                Err(InvalidValue::new("overlap policy", text, hint))
            }
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Allow => "allow",
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Replace => "replace",
        })
    }
}

impl FromStr for Missed {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            "all" => Ok(Self::All),
            _ => {
                let hint = "use skip, once or all";
                Err(InvalidValue::new("missed-run policy", text, hint))
            }
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        })
    }
}
