//! Labels in the three schemes.

use std::collections::BTreeMap;

use longshore_core::launch::{LABEL_JOB, LABEL_POOL, Launch};
use longshore_core::legacy::{DISCOVERY_KEYS, LegacyLabels, LegacyOrigin, Scheme};
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, JobId, PoolId};

const JOB: &str = "0198c0de-0000-7000-8000-000000000001";

fn job() -> JobId {
    JOB.parse().unwrap()
}

fn written() -> LegacyLabels {
    LegacyLabels {
        job: job(),
        job_name: Some("nightly".into()),
        host_id: "3".into(),
        host_name: "build-1".into(),
        created_at: "2025-08-01T12:00:00.5Z".parse().unwrap(),
        created_by: Some("ada".into()),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn origin(scheme: Scheme, name: Option<&str>) -> LegacyOrigin {
    LegacyOrigin {
        scheme,
        job: Some(JOB.to_owned()),
        name: name.map(str::to_owned),
        host: Some("build-1".to_owned()),
    }
}

#[test]
fn the_keys_are_those_of_the_newest_legacy_version() {
    let wanted = labels(&[
        ("django.container_manager.job_id", JOB),
        ("django.container_manager.job_name", "nightly"),
        ("django.container_manager.host_id", "3"),
        ("django.container_manager.host_name", "build-1"),
        (
            "django.container_manager.created_at",
            "2025-08-01T12:00:00.500000+00:00",
        ),
        ("django.container_manager.created_by", "ada"),
        ("managed_by", "django-container-manager"),
        ("version", "1.0"),
    ]);
    assert_eq!(written().labels(), wanted);
}

#[test]
fn nothing_makes_the_container_look_like_a_part_of_a_compose_project() {
    let labels = written().labels();
    assert!(labels.keys().all(|key| !key.contains("compose")));
}

#[test]
fn a_job_without_name_or_user_says_unnamed_and_nothing() {
    let bare = LegacyLabels {
        job_name: None,
        created_by: None,
        ..written()
    };
    let labels = bare.labels();
    assert_eq!(labels["django.container_manager.job_name"], "unnamed");
    assert!(!labels.contains_key("django.container_manager.created_by"));
}

#[test]
fn what_is_written_is_read_back() {
    let read = LegacyOrigin::read(&written().labels());
    assert_eq!(read, Some(origin(Scheme::Third, Some("nightly"))));
}

#[test]
fn each_scheme_is_told_from_the_others() {
    let first = labels(&[
        ("django-container-manager.job-id", JOB),
        ("django-container-manager.template", "etl"),
        ("django-container-manager.status", "running"),
        ("django-container-manager.host", "build-1"),
    ]);
    let third = [
        ("django.container_manager.job_id", JOB),
        ("django.container_manager.job_name", "unnamed"),
        ("django.container_manager.host_name", "build-1"),
    ];
    let template = ("django.container_manager.template_id", "7");
    let second = [&third[..], &[template]].concat();
    for (labels, scheme) in [
        (first, Scheme::First),
        (labels(&second), Scheme::Second),
        (labels(&third), Scheme::Third),
    ] {
        assert_eq!(LegacyOrigin::read(&labels), Some(origin(scheme, None)));
        let keys = DISCOVERY_KEYS.map(|key| labels.contains_key(key));
        assert!(keys.contains(&true), "{labels:?} is not discovered");
    }
}

#[test]
fn labels_of_others_are_no_legacy_labels() {
    for pairs in [
        &[][..],
        &[("managed_by", "django-container-manager")],
        &[("com.docker.compose.project", "django-container-manager")],
        &[("django.container_manager.host_name", "build-1")],
    ] {
        assert_eq!(LegacyOrigin::read(&labels(pairs)), None);
    }
}

#[test]
fn an_empty_value_is_an_absent_one() {
    let read = LegacyOrigin::read(&labels(&[("django-container-manager.job-id", "")])).unwrap();
    assert_eq!((read.job, read.name, read.host), (None, None, None));
}

fn launch(legacy: Option<LegacyLabels>) -> Launch {
    let mut spec = JobSpec::new("busybox:1".parse().unwrap());
    let label = ("managed_by".parse().unwrap(), "mine".to_owned());
    spec.labels = [label].into();
    Launch {
        pool: PoolId::new(uuid::Uuid::from_u128(5)),
        job: job(),
        attempt: AttemptId::new(uuid::Uuid::from_u128(6)),
        host: "build-1".into(),
        image: spec.image.clone(),
        spec,
        legacy,
    }
}

#[test]
fn a_launch_adds_legacy_labels_only_where_they_are_wanted() {
    let plain = launch(None).labels();
    assert_eq!(LegacyOrigin::read(&plain), None);
    assert_eq!(plain["managed_by"], "mine");
    let marked = launch(Some(written())).labels();
    assert!(LegacyOrigin::read(&marked).is_some());
    assert_eq!(marked["managed_by"], "django-container-manager");
}

#[test]
fn our_own_labels_are_there_with_and_without_them() {
    for legacy in [None, Some(written())] {
        let labels = launch(legacy).labels();
        assert_eq!(labels[LABEL_POOL], "00000000-0000-0000-0000-000000000005");
        assert_eq!(labels[LABEL_JOB], JOB);
    }
}
