//! Hosts of the old system as ours.

use std::collections::BTreeMap;

use longshore_core::host::{Endpoint, Host, HostKind, HostState, TlsFiles};
use longshore_core::{HostId, Timestamp};
use uuid::Uuid;

use crate::old::OldHost;
use crate::remarks::{Remarks, is_name};

/// The kind of executor that we have, in the old system's word.
pub(crate) const DOCKER: &str = "docker";
/// Weights that ours may have.
const WEIGHTS: std::ops::RangeInclusive<u32> = 1..=1000;

/// The host in our words, or why it cannot be taken.
pub(crate) fn translate(old: &OldHost, now: Timestamp) -> Result<(Host, Remarks), String> {
    if old.executor_type != DOCKER {
        let kind = &old.executor_type;
        return Err(format!(
            "its executor type is `{kind}`, and only docker can be taken"
        ));
    }
    if !is_name(&old.name) {
        return Err("its name is not 1 to 100 printable characters".to_owned());
    }
    let mut remarks = Remarks::default();
    let host = Host {
        id: HostId::new(Uuid::now_v7()),
        name: old.name.clone(),
        kind: HostKind::Docker,
        endpoint: endpoint(old)?,
        state: if old.is_active {
            HostState::Active
        } else {
            HostState::CORDONED
        },
        slots: slots(old, &mut remarks),
        weight: weight(old, &mut remarks),
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: old.auto_pull_images,
        labels: BTreeMap::new(),
        created_at: old.created_at.unwrap_or(now),
        updated_at: now,
    };
    Ok((host, remarks))
}

/// The old system verified a server by the certificates of its machine whenever TLS was on, whatever
/// else the record said; it knew no certificates of clients.
fn endpoint(old: &OldHost) -> Result<Endpoint, String> {
    let address = old.connection_string.trim();
    let rest_of = |scheme| {
        address
            .strip_prefix(scheme)
            .filter(|rest: &&str| !rest.is_empty())
    };
    let (address, has_tls) = match old.host_type.as_str() {
        "unix" if rest_of("unix:///").is_some() => (address.to_owned(), false),
        "tcp" if rest_of("tcp://").is_some() => (address.to_owned(), old.tls_enabled),
        "tcp" => match (rest_of("http://"), rest_of("https://")) {
            (Some(rest), _) => (format!("tcp://{rest}"), old.tls_enabled),
            (None, Some(rest)) => (format!("tcp://{rest}"), true),
            (None, None) => return Err(no_address(old)),
        },
        _ => return Err(no_address(old)),
    };
    let tls = has_tls.then_some(TlsFiles {
        ca: None,
        cert: None,
        key: None,
        verify: true,
    });
    Ok(Endpoint { address, tls })
}

fn no_address(old: &OldHost) -> String {
    let (kind, address) = (&old.host_type, &old.connection_string);
    format!("its address `{address}` of type `{kind}` is neither unix:///path nor tcp://host:port")
}

/// The old system never counted: a host with 0 took jobs like any other.
fn slots(old: &OldHost, remarks: &mut Remarks) -> u32 {
    let slots = u32::try_from(old.max_concurrent_jobs).unwrap_or(0).max(1);
    if i64::from(slots) != old.max_concurrent_jobs {
        let wanted = old.max_concurrent_jobs;
        remarks.add(format!("max_concurrent_jobs {wanted} became {slots} slot"));
    }
    slots
}

fn weight(old: &OldHost, remarks: &mut Remarks) -> u32 {
    let (least, most) = WEIGHTS.into_inner();
    let weight = u32::try_from(old.weight.max(0))
        .unwrap_or(most)
        .clamp(least, most);
    if i64::from(weight) != old.weight {
        remarks.add(format!("weight {} became {weight}", old.weight));
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old() -> OldHost {
        OldHost {
            id: "1".into(),
            name: "one".into(),
            host_type: "unix".into(),
            connection_string: "unix:///var/run/docker.sock".into(),
            tls_enabled: false,
            is_active: true,
            auto_pull_images: true,
            executor_type: "docker".into(),
            max_concurrent_jobs: 10,
            weight: 100,
            created_at: None,
        }
    }

    fn tcp(address: &str, tls_enabled: bool) -> OldHost {
        OldHost {
            host_type: "tcp".into(),
            connection_string: address.into(),
            tls_enabled,
            ..old()
        }
    }

    fn taken(old: &OldHost) -> Host {
        translate(old, Timestamp::UNIX_EPOCH).unwrap().0
    }

    #[test]
    fn a_host_is_taken_as_it_was() {
        let host = taken(&OldHost {
            is_active: false,
            auto_pull_images: false,
            max_concurrent_jobs: 3,
            weight: 7,
            ..old()
        });
        assert_eq!(host.endpoint.address, "unix:///var/run/docker.sock");
        assert_eq!((host.state, host.auto_pull), (HostState::CORDONED, false));
        assert_eq!((host.slots, host.weight), (3, 7));
    }

    #[test]
    fn tls_checks_the_server() {
        let table = [
            (tcp("tcp://a:2375", false), "tcp://a:2375", false),
            (tcp("tcp://a:2376", true), "tcp://a:2376", true),
            (tcp("https://a:2376", false), "tcp://a:2376", true),
            (tcp("http://a:2375", false), "tcp://a:2375", false),
        ];
        for (old, address, has_tls) in table {
            let endpoint = taken(&old).endpoint;
            assert_eq!(endpoint.address, address);
            assert_eq!(endpoint.tls.map(|tls| tls.verify), has_tls.then_some(true));
        }
    }

    #[test]
    fn what_is_no_docker_engine_is_not_taken() {
        let cloud = OldHost {
            executor_type: "cloudrun".into(),
            ..old()
        };
        for (host, word) in [
            (cloud, "cloudrun"),
            (tcp("a:2375", false), "a:2375"),
            (tcp("unix:///x", false), "unix:///x"),
        ] {
            let why = translate(&host, Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn numbers_beyond_our_bounds_are_brought_into_them_and_told() {
        let (host, remarks) = translate(
            &OldHost {
                max_concurrent_jobs: 0,
                weight: 5000,
                ..old()
            },
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!((host.slots, host.weight), (1, 1000));
        assert_eq!(remarks.into_iter().count(), 2);
    }
}
