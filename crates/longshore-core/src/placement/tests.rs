//! Every reason to refuse, the order of the scores, and that both hold whatever the hosts are.

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::health::Trip;
use crate::host::{Endpoint, HostKind};
use crate::image::Image;

const GIB: u64 = 1 << 30;
const CPU: u64 = 1_000_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn host(name: &str) -> Host {
    Host {
        id: HostId::new(Uuid::from_u128(name.bytes().map(u128::from).sum())),
        name: name.into(),
        kind: HostKind::Mock,
        endpoint: Endpoint {
            address: "mock://".into(),
            tls: None,
        },
        state: HostState::Active,
        slots: 4,
        weight: 100,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn a_host_that_can_never_do_it_is_passed_over_and_says_why() {
    let [able, unable] = ["able", "unable"].map(host);
    let mut candidates = [Candidate::idle(&unable), Candidate::idle(&able)];
    let gpus = |spec: &JobSpec| {
        spec.gpus
            .iter()
            .map(|_| "no GPUs here".to_owned())
            .collect()
    };
    candidates[0].lacks = Lacks::by(gpus);
    let plain = spec();
    assert_eq!(admit(&plain, &candidates[0]), Ok(()));
    let wanting = JobSpec {
        gpus: Some("all".parse().unwrap()),
        ..plain
    };
    let refusal = admit(&wanting, &candidates[0]).unwrap_err();
    assert_eq!(refusal.to_string(), "no GPUs here");
    assert_eq!(refusal.remedy("unable"), None);
    let wish = Wish {
        spec: &wanting,
        avoid: None,
    };
    let (chosen, _) = choose(wish, &candidates).unwrap();
    assert_eq!(chosen.host.name, "able");
}

fn spec() -> JobSpec {
    JobSpec {
        cpus: Some("1".parse().unwrap()),
        memory: Some("1g".parse().unwrap()),
        ..JobSpec::new("busybox".parse().unwrap())
    }
}

fn room(cpus: u64, gib: u64) -> Room {
    let all = Share {
        cpu_nanos: cpus * CPU,
        memory_bytes: gib * GIB,
    };
    Room {
        largest: all,
        offered: all,
        given: Share::NOTHING,
        foreign: Share::NOTHING,
    }
}

fn trip() -> Trip {
    Trip {
        since: at(0),
        until: at(60),
        trips: 1,
        reason: "lost".into(),
    }
}

/// What `change` makes of a host that would take the job, in the words for people.
fn check(said: &str, change: impl FnOnce(&mut JobSpec, &mut Host, &mut Candidate<'_>)) {
    let (mut spec, plain) = (spec(), host("b1"));
    let mut changed = plain.clone();
    let mut candidate = Candidate {
        room: room(8, 16),
        ..Candidate::idle(&plain)
    };
    assert_eq!(admit(&spec, &candidate), Ok(()));
    change(&mut spec, &mut changed, &mut candidate);
    let candidate = Candidate {
        host: &changed,
        ..candidate
    };
    let refusal = admit(&spec, &candidate).unwrap_err();
    assert_eq!(refusal.to_string(), said);
}

#[test]
fn every_refusal_says_what_is_missing_with_its_numbers() {
    check("the job names host b2", |spec, _, _| {
        spec.host = Some("b2".into());
    });
    check("has no label gpu=yes", |spec, _, _| {
        spec.on.insert("gpu".parse().unwrap(), "yes".into());
    });
    check("has zone=a, the job wants zone=b", |spec, _, _| {
        spec.on.insert("zone".parse().unwrap(), "b".into());
    });
    check("has kind=mock, the job wants kind=docker", |spec, _, _| {
        spec.on.insert("kind".parse().unwrap(), "docker".into());
    });
    check("needs 64 GiB, the host has 16 GiB", |spec, _, _| {
        spec.memory = Some("64g".parse().unwrap());
    });
    check("needs 9.5 CPUs, the host has 8 CPUs", |spec, _, _| {
        spec.cpus = Some("9.5".parse().unwrap());
    });
    check("draining", |_, host, _| host.state = HostState::CORDONED);
    check("does not answer: no route", |_, _, candidate| {
        candidate.silence = Some("no route".into());
    });
    check("all 4 slots are taken", |_, _, candidate| {
        candidate.busy = 4;
    });
    check(
        "needs 1 GiB, 512 MiB of 16 GiB are free",
        |_, _, candidate| {
            candidate.room.given.memory_bytes = 10 * GIB;
            candidate.room.foreign.memory_bytes = 5 * GIB + GIB / 2;
        },
    );
    check(
        "needs 1 CPU, 0.25 CPUs of 8 CPUs are free",
        |_, _, candidate| {
            candidate.room.foreign.cpu_nanos = 7 * CPU + CPU / 4 * 3;
        },
    );
    check(
        "in maintenance until 2027-01-15T08:01:00Z",
        |_, _, candidate| {
            candidate.maintained_until = Some(at(60));
        },
    );
    check(
        "failed its last attempts (lost), tried again at 2027-01-15T08:01:00Z",
        |_, _, candidate| candidate.breaker = Breaker::Open(trip()),
    );
    check(
        "failed before (lost), one attempt at a time until one runs",
        |_, _, candidate| {
            candidate.breaker = Breaker::HalfOpen(trip());
            candidate.on_trial = 1;
        },
    );
}

#[test]
fn a_host_on_trial_takes_one_job() {
    let host = host("b1");
    let mut candidate = Candidate {
        breaker: Breaker::HalfOpen(trip()),
        ..Candidate::idle(&host)
    };
    assert_eq!(admit(&spec(), &candidate), Ok(()));
    candidate.take(&spec());
    assert!(admit(&spec(), &candidate).is_err());
}

#[test]
fn a_host_gives_its_memory_once_and_its_cpus_several_times_unless_told_otherwise() {
    let facts = crate::host::HostFacts {
        engine: "mock".into(),
        version: "1".into(),
        api_version: "1".into(),
        engine_id: "id".into(),
        platform: "linux/amd64".into(),
        cpus: 2,
        memory_bytes: 4 * GIB,
        storage_driver: "none".into(),
        cgroup_version: 2,
        latency: Duration::ZERO,
        clock_skew: jiff::SignedDuration::ZERO,
        engine_started_at: None,
        free_disk_bytes: None,
        warnings: Vec::new(),
    };
    let mut host = host("b1");
    assert_eq!(Room::of(&host, None), Room::UNKNOWN);
    let room = Room::of(&host, Some(&facts));
    assert_eq!(
        (room.largest.cpu_nanos, room.offered.cpu_nanos),
        (2 * CPU, 8 * CPU)
    );
    assert_eq!(
        (room.largest.memory_bytes, room.offered.memory_bytes),
        (4 * GIB, 4 * GIB)
    );
    host.cpus = Some("1".parse().unwrap());
    host.memory = Some("6g".parse().unwrap());
    let room = Room::of(&host, Some(&facts));
    assert_eq!((room.largest.cpu_nanos, room.offered.cpu_nanos), (CPU, CPU));
    assert_eq!(
        (room.largest.memory_bytes, room.offered.memory_bytes),
        (6 * GIB, 6 * GIB)
    );
}

fn best(spec: &JobSpec, avoid: Option<HostId>, candidates: &[Candidate<'_>]) -> Option<String> {
    let wish = Wish { spec, avoid };
    choose(wish, candidates).map(|(candidate, _)| candidate.host.name.clone())
}

#[test]
fn of_equal_hosts_the_emptier_wins_then_the_first_by_name() {
    let (a, b) = (host("a"), host("b"));
    let mut candidates = [Candidate::idle(&b), Candidate::idle(&a)];
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("a"));
    candidates[1].busy = 1;
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("b"));
}

#[test]
fn a_weight_counts_against_the_load() {
    let (a, mut b) = (host("a"), host("b"));
    b.weight = 300;
    let mut candidates = [Candidate::idle(&a), Candidate::idle(&b)];
    candidates[1].busy = 2;
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("b"));
    candidates[1].busy = 3;
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("a"));
}

#[test]
fn an_image_that_is_there_counts_as_twice_the_weight() {
    let (a, b) = (host("a"), host("b"));
    let image = Image {
        id: "1".into(),
        tags: vec!["busybox:latest".into()],
        digests: Vec::new(),
        size_bytes: 1,
        created_at: None,
    };
    let images = ImageNames::of(&[image]);
    let mut candidates = [Candidate::idle(&a), Candidate::idle(&b)];
    candidates[1].images = Some(&images);
    candidates[1].busy = 1;
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("b"));
    candidates[1].busy = 3;
    assert_eq!(best(&spec(), None, &candidates).as_deref(), Some("a"));
}

#[test]
fn a_host_that_failed_the_job_is_taken_only_if_there_is_no_other() {
    let (a, mut b) = (host("a"), host("b"));
    b.weight = 1;
    let both = [Candidate::idle(&a), Candidate::idle(&b)];
    assert_eq!(best(&spec(), Some(a.id), &both).as_deref(), Some("b"));
    assert_eq!(best(&spec(), Some(a.id), &both[..1]).as_deref(), Some("a"));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Nothing,
    Draining,
    Silent,
    Broken,
}

#[derive(Clone, Debug)]
struct Sketch {
    weight: u32,
    slots: u32,
    busy: u32,
    trouble: Trouble,
    gib: u64,
    zone: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let trouble = prop_oneof![
        4 => Just(Trouble::Nothing),
        1 => Just(Trouble::Draining),
        1 => Just(Trouble::Silent),
        1 => Just(Trouble::Broken),
    ];
    let numbers = (1..=1000_u32, 1..6_u32, 0..7_u32, 0..4_u64);
    (numbers, trouble, any::<bool>()).prop_map(|((weight, slots, busy, gib), trouble, zone)| {
        Sketch {
            weight,
            slots,
            busy,
            trouble,
            gib,
            zone,
        }
    })
}

fn hosts(sketches: &[Sketch]) -> Vec<Host> {
    let build = |(number, sketch): (usize, &Sketch)| Host {
        weight: sketch.weight,
        slots: sketch.slots,
        state: if sketch.trouble == Trouble::Draining {
            HostState::CORDONED
        } else {
            HostState::Active
        },
        labels: [("zone".to_owned(), sketch.zone.to_string())].into(),
        ..host(&format!("host-{number}"))
    };
    sketches.iter().enumerate().map(build).collect()
}

fn candidates<'a>(sketches: &[Sketch], hosts: &'a [Host]) -> Vec<Candidate<'a>> {
    let build = |(sketch, host): (&Sketch, &'a Host)| Candidate {
        busy: sketch.busy,
        silence: (sketch.trouble == Trouble::Silent).then(|| "gone".to_owned()),
        breaker: if sketch.trouble == Trouble::Broken {
            Breaker::Open(trip())
        } else {
            Breaker::CLOSED
        },
        room: room(8, sketch.gib),
        ..Candidate::idle(host)
    };
    sketches.iter().zip(hosts).map(build).collect()
}

proptest! {
    #[test]
    fn no_refused_host_is_ever_chosen_and_the_order_of_hosts_is_nothing(
        sketches in prop::collection::vec(sketch(), 0..8),
        turn in 0..8_usize,
    ) {
        let spec = JobSpec { on: [("zone".parse().unwrap(), "true".into())].into(), ..spec() };
        let hosts = hosts(&sketches);
        let mut candidates = candidates(&sketches, &hosts);
        let chosen = best(&spec, None, &candidates);
        let takers = candidates.iter().filter(|one| admit(&spec, one).is_ok());
        let takers: Vec<_> = takers.map(|one| one.host.name.clone()).collect();
        match &chosen {
            Some(name) => prop_assert!(takers.contains(name)),
            None => prop_assert!(takers.is_empty()),
        }
        if !candidates.is_empty() {
            let turn = turn % candidates.len();
            candidates.rotate_left(turn);
        }
        prop_assert_eq!(best(&spec, None, &candidates), chosen);
    }
}
