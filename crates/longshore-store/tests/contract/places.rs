//! Hosts, templates, policy.

use std::time::Duration;

use jiff::SignedDuration;
use longshore_core::host::{Endpoint, Host, HostFacts, HostState, TlsFiles};
use longshore_core::policy::Policy;
use longshore_core::retry::Next;
use longshore_store::{Store, StoreError};

use crate::world::{at, claim_one, end, host, spec, submit};

pub(crate) async fn a_host_reads_back_as_it_was_added(store: &Store) {
    let tls = TlsFiles {
        ca: Some("ca.pem".into()),
        cert: None,
        key: None,
        verify: true,
    };
    let endpoint = Endpoint {
        address: "tcp://h:2376".into(),
        tls: Some(tls),
    };
    let added = Host {
        endpoint,
        ..host("h", 3)
    };
    store.add_host(&added).await.unwrap();
    assert_eq!(store.host(added.id).await.unwrap(), added);
    let changed = Host {
        state: HostState::Draining {
            until: Some(at(60)),
        },
        cpus: Some("1.5".parse().unwrap()),
        memory: Some("6g".parse().unwrap()),
        maintenance: vec!["0 2 * * 6 for 2h".parse().unwrap()],
        slots: 9,
        auto_pull: false,
        updated_at: at(5),
        ..added.clone()
    };
    store.update_host(&changed).await.unwrap();
    assert_eq!(store.host_by_name("h").await.unwrap(), changed);
    assert_eq!(store.hosts().await.unwrap(), [changed]);
}

pub(crate) async fn a_name_belongs_to_one_host(store: &Store) {
    let (first, second) = (host("a", 1), host("b", 1));
    store.add_host(&first).await.unwrap();
    store.add_host(&second).await.unwrap();
    let error = store.add_host(&host("a", 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is already a host named `a`");
    let error = store
        .update_host(&Host {
            name: "a".into(),
            ..second
        })
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { .. }));
}

pub(crate) async fn a_host_in_use_is_not_removed(store: &Store) {
    let host = host("h", 1);
    store.add_host(&host).await.unwrap();
    let attempt = claim_one(store, submit(store, spec(), at(0)).await, host.id).await;
    let refused = store.remove_host(host.id).await.unwrap_err();
    assert!(matches!(refused, StoreError::HostInUse { attempts: 1, .. }));
    store
        .end((&attempt).into(), end(0, Next::Final))
        .await
        .unwrap();
    assert!(store.remove_host(host.id).await.is_err());
    store.removed(attempt.id, at(9)).await.unwrap();
    store.remove_host(host.id).await.unwrap();
    let again = store.remove_host(host.id).await.unwrap_err();
    assert!(matches!(again, StoreError::NotFound { what: "host", .. }));
}

pub(crate) fn facts() -> HostFacts {
    HostFacts {
        engine: "docker".into(),
        version: "26.1".into(),
        api_version: "1.45".into(),
        engine_id: "id".into(),
        platform: "linux/amd64".into(),
        cpus: 2,
        memory_bytes: 1 << 33,
        storage_driver: "overlay2".into(),
        cgroup_version: 2,
        latency: Duration::from_micros(1500),
        clock_skew: SignedDuration::from_millis(-3),
        engine_started_at: Some(at(-5)),
        free_disk_bytes: Some(7),
        warnings: vec!["no swap limit".into()],
    }
}

pub(crate) async fn facts_outlive_a_failed_probe(store: &Store) {
    let host = host("h", 1);
    store.add_host(&host).await.unwrap();
    assert_eq!(store.facts(host.id).await.unwrap(), None);
    store
        .save_facts(host.id, Ok(&facts()), at(1))
        .await
        .unwrap();
    store
        .save_facts(host.id, Err("no route"), at(2))
        .await
        .unwrap();
    let report = store.facts(host.id).await.unwrap().unwrap();
    assert_eq!(report.facts, Some(facts()));
    assert_eq!(
        (report.error.as_deref(), report.probed_at),
        (Some("no route"), at(2))
    );
    store
        .save_facts(host.id, Ok(&facts()), at(3))
        .await
        .unwrap();
    assert_eq!(store.facts(host.id).await.unwrap().unwrap().error, None);
}

pub(crate) async fn a_template_is_saved_replaced_and_removed(store: &Store) {
    store.save_template("db", "A=1", None, at(0)).await.unwrap();
    store
        .save_template("db", "A=2\nB=3", Some("the database"), at(1))
        .await
        .unwrap();
    let template = store.template("db").await.unwrap();
    assert_eq!(
        (template.text.as_str(), template.updated_at),
        ("A=2\nB=3", at(1))
    );
    assert_eq!(store.templates().await.unwrap(), [template]);
    store.remove_template("db").await.unwrap();
    let error = store.template("db").await.unwrap_err();
    assert_eq!(error.to_string(), "no environment template `db`");
    assert!(store.remove_template("db").await.is_err());
}

pub(crate) async fn the_policy_is_the_default_until_it_is_set(store: &Store) {
    assert_eq!(store.policy().await.unwrap(), Policy::default());
    let policy = Policy {
        allow_bind: vec!["/srv/in".into()],
        ..Policy::default()
    };
    store.set_policy(&policy).await.unwrap();
    assert_eq!(store.policy().await.unwrap(), policy);
}
