//! Which host takes a job: filter, score, choose; each refusal is a reason that people can read.
//!
//! The dispatcher, the direct service and `longshore explain` all ask here, so that they never differ.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::{Census, ImageNames};
use crate::health::Breaker;
use crate::host::{Host, HostFacts, HostState};
use crate::ids::HostId;
use crate::job::Job;
use crate::share::{Resource, Room, Share};
use crate::spec::JobSpec;

mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;

/// A host that has the image counts as if its weight were this many times what it is.
const IMAGE_BONUS: u128 = 2;

/// A host as the dispatcher sees it now.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The host.
    pub host: &'a Host,
    /// Attempts that hold a slot.
    pub busy: u32,
    /// Why it does not answer; `None` if it does.
    pub silence: Option<String>,
    /// What stands between it and the queue.
    pub breaker: Breaker,
    /// Attempts that hold a slot and were claimed since the breaker is half open.
    pub on_trial: u32,
    /// The end of the maintenance that it is in.
    pub maintained_until: Option<Timestamp>,
    /// How much CPU and memory it has left.
    pub room: Room,
    /// The images that are there, as far as they are known.
    pub images: Option<&'a ImageNames>,
    /// What it can never honour of a job.
    pub lacks: Lacks,
}

/// What a host can never honour of a job, in the user's words; by the code that speaks to its kind.
#[derive(Clone)]
pub struct Lacks(Arc<Says>);

type Says = dyn Fn(&JobSpec) -> Vec<String> + Send + Sync;

impl Lacks {
    /// As this says.
    pub fn by(says: impl Fn(&JobSpec) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(says))
    }
}

impl Default for Lacks {
    /// Nothing.
    fn default() -> Self {
        Self::by(|_| Vec::new())
    }
}

impl fmt::Debug for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lacks(..)")
    }
}

/// What is seen of a host beside its record.
#[derive(Clone, Debug, Default)]
pub struct Sight<'a> {
    /// Attempts that hold a slot.
    pub busy: u32,
    /// What those have been given.
    pub given: Share,
    /// Why it does not answer; `None` if it does.
    pub silence: Option<String>,
    /// Its breaker.
    pub breaker: Breaker,
    /// Attempts that hold a slot and were claimed since the breaker is half open.
    pub on_trial: u32,
    /// What its last probe found.
    pub facts: Option<&'a HostFacts>,
    /// What stands on it beside our attempts.
    pub census: Option<&'a Census>,
    /// What it can never honour of a job.
    pub lacks: Lacks,
}

impl<'a> Candidate<'a> {
    /// A host that answers, with nothing against it and nothing on it, of unknown size.
    pub fn idle(host: &'a Host) -> Self {
        Self {
            host,
            busy: 0,
            silence: None,
            breaker: Breaker::CLOSED,
            on_trial: 0,
            maintained_until: None,
            room: Room::UNKNOWN,
            images: None,
            lacks: Lacks::default(),
        }
    }

    /// A host as it stands.
    pub fn seen(host: &'a Host, sight: Sight<'a>, now: Timestamp) -> Self {
        let room = Room::of(host, sight.facts).giving(sight.given);
        let foreign = sight.census.map_or(Share::NOTHING, |census| census.foreign);
        Self {
            host,
            busy: sight.busy,
            silence: sight.silence,
            breaker: sight.breaker,
            on_trial: sight.on_trial,
            maintained_until: host.maintained_until(now),
            room: Room { foreign, ..room },
            images: sight.census.map(|census| &census.images),
            lacks: sight.lacks,
        }
    }

    /// Gives it one more attempt.
    pub fn take(&mut self, spec: &JobSpec) {
        self.busy += 1;
        self.on_trial += 1;
        self.room = self.room.giving(Share::of_job(spec));
    }

    /// Slots that nothing holds.
    pub fn free_slots(&self) -> u32 {
        self.host.slots.saturating_sub(self.busy)
    }

    fn has_image(&self, spec: &JobSpec) -> bool {
        self.images.is_some_and(|images| images.has(&spec.image))
    }
}

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The job's spec.
    pub spec: &'a JobSpec,
    /// A host that failed the job before: taken only if there is no other.
    pub avoid: Option<HostId>,
}

impl<'a> From<&'a Job> for Wish<'a> {
    fn from(job: &'a Job) -> Self {
        Self {
            spec: &job.spec,
            avoid: job.host.filter(|_| job.infra_retries_used > 0),
        }
    }
}

/// Whether the host would take the job now.
///
/// # Errors
/// The reason why not; of several the one that lasts longest.
pub fn admit(spec: &JobSpec, candidate: &Candidate<'_>) -> Result<(), Refusal> {
    is_meant(spec, candidate.host)?;
    if let Some(said) = (candidate.lacks.0)(spec).into_iter().next() {
        return Err(Refusal::Unsupported { said });
    }
    is_large_enough(spec, &candidate.room)?;
    is_in_service(candidate)?;
    if candidate.busy >= candidate.host.slots {
        return Err(Refusal::Full {
            slots: candidate.host.slots,
        });
    }
    has_room(spec, &candidate.room)
}

/// The job names no other host and no label that this one lacks.
fn is_meant(spec: &JobSpec, host: &Host) -> Result<(), Refusal> {
    if let Some(name) = spec.host.as_ref().filter(|name| **name != host.name) {
        return Err(Refusal::OtherHost { name: name.clone() });
    }
    let wanted = spec.on.iter().map(|(key, value)| (key.as_str(), value));
    for (key, value) in wanted {
        let found = host.label(key);
        if found != Some(value.as_str()) {
            return Err(Refusal::Label {
                key: key.to_owned(),
                wanted: value.clone(),
                found: found.map(str::to_owned),
            });
        }
    }
    Ok(())
}

fn is_large_enough(spec: &JobSpec, room: &Room) -> Result<(), Refusal> {
    let share = Share::of_job(spec);
    for resource in Resource::ALL {
        let (needs, has) = (share.get(resource), room.largest.get(resource));
        if needs > has {
            return Err(Refusal::TooSmall {
                resource,
                needs,
                has,
            });
        }
    }
    Ok(())
}

/// Nobody and nothing says that the host is to be left alone.
fn is_in_service(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    match candidate.host.state {
        HostState::Active => {}
        HostState::Draining { .. } => return Err(Refusal::Draining),
    }
    if let Some(until) = candidate.maintained_until {
        return Err(Refusal::Maintenance { until });
    }
    if let Some(said) = &candidate.silence {
        return Err(Refusal::Unreachable { said: said.clone() });
    }
    match &candidate.breaker {
        Breaker::Closed { .. } => Ok(()),
        Breaker::Open(trip) => Err(Refusal::BreakerOpen {
            reason: trip.reason.clone(),
            until: trip.until,
        }),
        Breaker::HalfOpen(_) if candidate.on_trial == 0 => Ok(()),
        Breaker::HalfOpen(trip) => Err(Refusal::OnTrial {
            reason: trip.reason.clone(),
        }),
    }
}

fn has_room(spec: &JobSpec, room: &Room) -> Result<(), Refusal> {
    let (share, free) = (Share::of_job(spec), room.free());
    for resource in Resource::ALL {
        let (needs, free) = (share.get(resource), free.get(resource));
        if needs > free {
            return Err(Refusal::NoRoom {
                resource,
                needs,
                free,
                offered: room.offered.get(resource),
            });
        }
    }
    Ok(())
}

/// How good an admitted host is.
///
/// First whether it has not failed this job before, then its weight times the share of its slots that
/// are free, twice that if it has the image; then its name, so that equal hosts have an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    failed_before: bool,
    has_image: bool,
    free_slots: u32,
    slots: u32,
    weight: u32,
}

impl Score {
    /// Of this host for this job.
    pub fn of(wish: Wish<'_>, candidate: &Candidate<'_>) -> Self {
        Self {
            failed_before: wish.avoid == Some(candidate.host.id),
            has_image: candidate.has_image(wish.spec),
            free_slots: candidate.free_slots(),
            slots: candidate.host.slots,
            weight: candidate.host.weight,
        }
    }

    /// Weight times free slots; to be divided by the slots.
    fn points(&self) -> u128 {
        let bonus = if self.has_image { IMAGE_BONUS } else { 1 };
        u128::from(self.weight) * u128::from(self.free_slots) * bonus
    }

    /// Exact: no fraction is ever rounded.
    fn compare(&self, other: &Self) -> Ordering {
        let (own, others) = (
            self.points() * u128::from(other.slots),
            other.points() * u128::from(self.slots),
        );
        let by_trust = other.failed_before.cmp(&self.failed_before);
        by_trust.then(own.cmp(&others))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = if self.has_image {
            "image is there"
        } else {
            "image not known to be there"
        };
        let (free, slots, weight) = (self.free_slots, self.slots, self.weight);
        write!(f, "{image}, {free} of {slots} slots free, weight {weight}")?;
        if self.failed_before {
            f.write_str(", failed it before")?;
        }
        Ok(())
    }
}

/// The best of the hosts that take the job, by [`Score`]; `None` if none does.
pub fn choose<'c, 'a>(
    wish: Wish<'_>,
    candidates: &'c [Candidate<'a>],
) -> Option<(&'c Candidate<'a>, Score)> {
    let admitted = candidates
        .iter()
        .filter(|candidate| admit(wish.spec, candidate).is_ok());
    admitted
        .map(|candidate| (candidate, Score::of(wish, candidate)))
        .max_by(|(a, score_a), (b, score_b)| {
            let by_name = b.host.name.cmp(&a.host.name);
            score_a.compare(score_b).then(by_name)
        })
}
