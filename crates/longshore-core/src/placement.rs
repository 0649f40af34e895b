//! Which host takes a job: filter, score, choose; each refusal is a reason that people can read.

use std::fmt;

use crate::host::{Host, HostState};
use crate::spec::JobSpec;

/// A host as the dispatcher sees it now.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The host.
    pub host: &'a Host,
    /// Attempts that hold a slot.
    pub busy: u32,
    /// Whether an executor for it answers.
    pub reachable: bool,
}

/// Why a host does not take a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The job names another host.
    OtherHost,
    /// The host takes nothing new.
    Draining,
    /// The host does not answer.
    Unreachable,
    /// All slots are taken.
    Full {
        /// How many there are.
        slots: u32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHost => f.write_str("the job names another host"),
            Self::Draining => f.write_str("draining"),
            Self::Unreachable => f.write_str("does not answer"),
            Self::Full { slots } => write!(f, "all {slots} slots are taken"),
        }
    }
}

/// Whether the host would take the job now.
///
/// # Errors
/// The reason why not.
pub fn admit(spec: &JobSpec, candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let host = candidate.host;
    if spec.host.as_ref().is_some_and(|name| *name != host.name) {
        return Err(Refusal::OtherHost);
    }
    match host.state {
        HostState::Active => {}
        HostState::Draining => return Err(Refusal::Draining),
    }
    if !candidate.reachable {
        return Err(Refusal::Unreachable);
    }
    if candidate.busy >= host.slots {
        return Err(Refusal::Full { slots: host.slots });
    }
    Ok(())
}

/// The best host for a job: the largest share of free slots, then weight, then name.
pub fn choose<'a>(spec: &JobSpec, candidates: &[Candidate<'a>]) -> Option<&'a Host> {
    candidates
        .iter()
        .filter(|candidate| admit(spec, candidate).is_ok())
        .max_by(|a, b| {
            let free =
                |c: &Candidate<'_>| f64::from(c.host.slots - c.busy) / f64::from(c.host.slots);
            free(a)
                .total_cmp(&free(b))
                .then(a.host.weight.cmp(&b.host.weight))
                .then(b.host.name.cmp(&a.host.name))
        })
        .map(|candidate| candidate.host)
}
