//! Where the next attempt of a job goes when its caller does not say.

use std::collections::HashMap;

use longshore_core::HostId;
use longshore_core::host::Host;
use longshore_core::placement::{Candidate, admit};
use longshore_core::spec::JobSpec;
use longshore_store::HostLoad;

/// Why no host takes a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHost {
    /// There is none at all.
    #[error("there is no host: add one with `longshore hosts add`")]
    None,
    /// There is none of the name that the job gives.
    #[error("there is no host `{0}`, which the job names")]
    Unknown(String),
    /// None of several has room.
    #[error("no host takes the job now: {0}")]
    Refused(String),
}

/// How much of each host is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// Attempts that hold a slot.
    pub(crate) busy: HashMap<HostId, HostLoad>,
    /// Those, and attempts that their callers may start at any moment.
    pub(crate) begun: HashMap<HostId, u32>,
}

/// The host that the job names, else the only one, else, of those that take it now, the one with the
/// least begun for its size.
///
/// A host that is named, or is the only one, is not asked whether it has room: who drives a job
/// decides when it runs.
pub(crate) fn place(spec: &JobSpec, hosts: &[Host], load: &Load) -> Result<Host, NoHost> {
    if let Some(name) = &spec.host {
        let named = hosts.iter().find(|host| host.name == *name);
        return named.cloned().ok_or_else(|| NoHost::Unknown(name.clone()));
    }
    match hosts {
        [] => return Err(NoHost::None),
        [only] => return Ok(only.clone()),
        [_, _, ..] => {}
    }
    let candidates: Vec<Candidate<'_>> = hosts
        .iter()
        .map(|host| Candidate {
            busy: load.busy.get(&host.id).map_or(0, |load| load.busy),
            ..Candidate::idle(host)
        })
        .collect();
    let admitted = candidates
        .iter()
        .filter(|candidate| admit(spec, candidate).is_ok());
    let share = |host: &Host| {
        let begun = load.begun.get(&host.id).copied().unwrap_or(0);
        f64::from(begun) / f64::from(host.slots)
    };
    let chosen = admitted.map(|candidate| candidate.host).min_by(|a, b| {
        let by_load = share(a).total_cmp(&share(b));
        by_load
            .then(b.weight.cmp(&a.weight))
            .then(a.name.cmp(&b.name))
    });
    chosen
        .cloned()
        .ok_or_else(|| NoHost::Refused(refusals(spec, &candidates)))
}

fn refusals(spec: &JobSpec, candidates: &[Candidate<'_>]) -> String {
    let reasons = candidates.iter().filter_map(|candidate| {
        let refusal = admit(spec, candidate).err()?;
        Some(format!("{}: {refusal}", candidate.host.name))
    });
    reasons.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use longshore_core::host::{Endpoint, HostKind, HostState};
    use uuid::Uuid;

    use super::*;

    fn host(number: u128, name: &str, state: HostState) -> Host {
        Host {
            id: HostId::new(Uuid::from_u128(number)),
            name: name.into(),
            kind: HostKind::Mock,
            endpoint: Endpoint {
                address: "mock://".into(),
                tls: None,
            },
            state,
            slots: 1,
            weight: 100,
            cpus: None,
            memory: None,
            maintenance: Vec::new(),
            auto_pull: true,
            labels: [].into(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn ones(hosts: &[u128]) -> HashMap<HostId, u32> {
        let one = |number: &u128| (HostId::new(Uuid::from_u128(*number)), 1);
        hosts.iter().map(one).collect()
    }

    fn check(named: Option<&str>, hosts: &[Host], busy: &[u128], expected: Result<&str, NoHost>) {
        let mut spec = JobSpec::new("busybox".parse().unwrap());
        spec.host = named.map(str::to_owned);
        let load = Load {
            busy: ones(busy)
                .into_iter()
                .map(|(host, busy)| {
                    (
                        host,
                        HostLoad {
                            busy,
                            ..HostLoad::default()
                        },
                    )
                })
                .collect(),
            begun: ones(busy),
        };
        let placed = place(&spec, hosts, &load).map(|host| host.name);
        assert_eq!(placed, expected.map(str::to_owned));
    }

    #[test]
    fn a_named_host_is_taken_whatever_its_state() {
        let hosts = [
            host(1, "a", HostState::Active),
            host(2, "b", HostState::CORDONED),
        ];
        check(Some("b"), &hosts, &[2], Ok("b"));
        check(Some("c"), &hosts, &[], Err(NoHost::Unknown("c".into())));
    }

    #[test]
    fn the_only_host_is_taken_whatever_its_state() {
        check(None, &[host(1, "a", HostState::CORDONED)], &[1], Ok("a"));
        check(None, &[], &[], Err(NoHost::None));
    }

    #[test]
    fn of_several_one_that_has_room_is_taken_and_else_each_says_why_not() {
        let hosts = [
            host(1, "a", HostState::Active),
            host(2, "b", HostState::Active),
            host(3, "c", HostState::CORDONED),
        ];
        check(None, &hosts, &[1], Ok("b"));
        let said = "a: its one slot is taken, b: its one slot is taken, c: draining";
        check(None, &hosts, &[1, 2], Err(NoHost::Refused(said.into())));
    }

    #[test]
    fn what_is_begun_and_does_not_run_takes_no_slot_and_is_spread() {
        let hosts = [
            host(1, "a", HostState::Active),
            host(2, "b", HostState::Active),
        ];
        let spec = JobSpec::new("busybox".parse().unwrap());
        let mut load = Load::default();
        let mut placed = String::new();
        for _ in 0..6 {
            let host = place(&spec, &hosts, &load).unwrap();
            *load.begun.entry(host.id).or_default() += 1;
            placed.push_str(&host.name);
        }
        assert_eq!(placed, "ababab");
    }
}
