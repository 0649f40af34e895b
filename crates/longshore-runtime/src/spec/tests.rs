//! Whole specifications are compared with those that were read and found right; single rules follow.

use std::path::PathBuf;

use oci_spec::runtime::LinuxNamespaceType;

use super::*;
use crate::config::samples::config;
use crate::config::{Bounds, FreshVolume, Mount, MountSource, ResourceLimit, Seccomp};

fn full() -> ContainerConfig {
    let mount = |target: &str, source, read_only| Mount {
        target: target.into(),
        source,
        read_only,
    };
    let limit = |name: &str, soft, hard| ResourceLimit {
        name: name.to_owned(),
        soft,
        hard,
    };
    let mut config = config();
    config.mounts = vec![
        mount("/srv/in/deep", MountSource::Volume("/v/deep".into()), false),
        mount("/srv/in", MountSource::Bind("/data/in".into()), true),
        mount(
            "/fresh",
            MountSource::Fresh(FreshVolume {
                folder: "vol/0".to_owned(),
            }),
            false,
        ),
        mount(
            "/tmp",
            MountSource::Tmpfs(vec!["size=64m".to_owned()]),
            false,
        ),
    ];
    config.bounds = Bounds {
        memory_bytes: Some(512 << 20),
        memory_swap_bytes: Some(512 << 20),
        cpu_nanos: Some(1_500_000_000),
        pids: Some(100),
        shm_bytes: Some(1 << 20),
    };
    config.process.limits = vec![limit("nofile", 1024, 4096), limit("core", 0, -1)];
    config
}

fn account() -> Account {
    Account {
        uid: 1000,
        gid: 100,
        groups: vec![100, 29],
        home: "/home/app".to_owned(),
        name: Some("app".to_owned()),
    }
}

fn v1() -> Layout {
    let at = |name| (name, Path::new("/sys/fs/cgroup").join(name));
    Layout::v1_of([at("cpu,cpuacct"), at("memory"), at("pids"), at("systemd")])
}

fn v2() -> Layout {
    Layout::V2("/sys/fs/cgroup".into())
}

fn spec_of(config: &ContainerConfig, layout: Layout, target: Target) -> Spec {
    let places = Places {
        root: Path::new("/c/root"),
        hosts: Path::new("/c/hosts"),
        hostname: Path::new("/c/hostname"),
        resolv_conf: Path::new("/c/resolv.conf"),
        folder: Path::new("/c"),
        standing: Standing::Root,
        cgroup: &Cgroup::of(layout, "longshore-1"),
    };
    of(config, &account(), &places, target).unwrap()
}

#[test]
fn a_full_container_on_version_1_for_the_library() {
    insta::assert_json_snapshot!(spec_of(&full(), v1(), Target::Library));
}

#[test]
fn a_plain_container_on_version_2_for_a_binary() {
    let mut config = config();
    config.seccomp = Seccomp::Profile(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#.to_owned());
    insta::assert_json_snapshot!(spec_of(&config, v2(), Target::Binary));
}

#[test]
fn a_container_that_may_not_write_to_its_root_for_the_library() {
    let mut config = full();
    config.rootfs.read_only = true;
    let spec = spec_of(&config, v2(), Target::Library);
    insta::assert_json_snapshot!((spec.root(), spec.mounts()));
}

#[test]
fn a_privileged_container_hides_nothing_and_has_every_device() {
    let mut config = config();
    config.process.privileged = true;
    let spec = spec_of(&config, v1(), Target::Binary);
    let linux = spec.linux().as_ref().unwrap();
    assert_eq!(linux.masked_paths(), &Some(vec![]));
    assert_eq!(linux.readonly_paths(), &Some(vec![]));
    assert!(!linux.devices().as_ref().unwrap().is_empty());
    let rules = linux.resources().as_ref().unwrap().devices();
    assert_eq!(rules.as_ref().unwrap().len(), 1);
    let held = spec.process().as_ref().unwrap().capabilities();
    let held = held.as_ref().unwrap().bounding().as_ref().unwrap();
    assert_eq!(
        held,
        &crate::capabilities::CapabilitySet::available().to_oci()
    );
    let options = |at: &str| options_at(&spec, at);
    assert!(!options("/sys").contains(&"ro".to_owned()));
    assert!(!options("/sys/fs/cgroup").contains(&"ro".to_owned()));
}

fn options_at(spec: &Spec, at: &str) -> Vec<String> {
    let mut mounts = spec.mounts().iter().flatten();
    let mount = mounts.find(|mount| mount.destination() == Path::new(at));
    mount.unwrap().options().clone().unwrap_or_default()
}

fn targets(spec: &Spec) -> Vec<PathBuf> {
    let mounts = spec.mounts().iter().flatten();
    mounts.map(|mount| mount.destination().clone()).collect()
}

#[test]
fn a_mount_of_the_job_takes_the_place_of_ours() {
    let mut config = config();
    let tmpfs = |target: &str| Mount {
        target: target.into(),
        source: MountSource::Tmpfs(vec![]),
        read_only: false,
    };
    config.mounts = vec![tmpfs("/dev/shm"), tmpfs("/etc/hosts")];
    let before = targets(&spec_of(&config, v2(), Target::Library));
    for at in ["/dev/shm", "/etc/hosts"] {
        assert_eq!(before.iter().filter(|one| *one == Path::new(at)).count(), 1);
    }
    config.mounts = vec![tmpfs("/dev")];
    let below = targets(&spec_of(&config, v2(), Target::Library));
    assert_eq!(
        below.iter().filter(|one| one.starts_with("/dev")).count(),
        1
    );
}

#[test]
fn a_mount_over_the_folder_of_our_files_is_below_them() {
    let mut config = config();
    config.mounts = vec![Mount {
        target: "/etc".into(),
        source: MountSource::Bind("/data/etc".into()),
        read_only: false,
    }];
    let targets = targets(&spec_of(&config, v2(), Target::Library));
    let place_of = |at: &str| targets.iter().position(|one| one == Path::new(at));
    assert!(place_of("/etc") < place_of("/etc/hosts"));
}

#[test]
fn a_container_sees_only_its_own_groups_where_the_kernel_can_do_that() {
    let kinds = |layout| {
        let spec = spec_of(&config(), layout, Target::Library);
        let namespaces = spec.linux().as_ref().unwrap().namespaces().clone().unwrap();
        namespaces
            .iter()
            .map(LinuxNamespace::typ)
            .collect::<Vec<_>>()
    };
    assert!(kinds(v2()).contains(&LinuxNamespaceType::Cgroup));
    assert!(!kinds(v1()).contains(&LinuxNamespaceType::Cgroup));
    assert!(!kinds(v2()).contains(&LinuxNamespaceType::Network));
}

fn environment_of(given: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut config = config();
    let owned = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config.process.env = owned.collect();
    environment(&config, &account())
}

#[test]
fn the_environment_has_what_every_container_has() {
    let expected = [
        ("PATH", process::PATH),
        ("HOSTNAME", "box"),
        ("HOME", "/home/app"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(environment_of(&[]), expected);
}

#[test]
fn what_the_configuration_sets_wins_and_the_last_of_it() {
    let environment = environment_of(&[("A", "1"), ("PATH", "/bin"), ("A", "2"), ("HOME", "/")]);
    let expected = [
        ("PATH", "/bin"),
        ("HOSTNAME", "box"),
        ("A", "2"),
        ("HOME", "/"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(environment, expected);
}

#[test]
fn an_empty_home_is_none() {
    let environment = environment_of(&[("HOME", "")]);
    assert!(environment.contains(&("HOME".to_owned(), "/home/app".to_owned())));
}

#[test]
fn a_limit_by_an_unknown_name_is_refused() {
    let mut config = config();
    config.process.limits = vec![ResourceLimit {
        name: "as".to_owned(),
        soft: 1,
        hard: 1,
    }];
    let error = process::of(&config, &account(), Target::Library).unwrap_err();
    assert_eq!(error.to_string(), "there is no limit of processes named as");
}

fn resources_of(bounds: Bounds, layout: &Layout) -> serde_json::Value {
    let mut config = config();
    config.bounds = bounds;
    let resources = resources::of(&config, layout).unwrap();
    serde_json::to_value(resources).unwrap()
}

fn memory_of(swap: Option<i64>, layout: &Layout) -> serde_json::Value {
    let bounds = Bounds {
        memory_bytes: Some(1000),
        memory_swap_bytes: swap,
        ..Bounds::default()
    };
    resources_of(bounds, layout)["memory"].clone()
}

/// Version 1 on a machine that counts swap.
fn with_swap() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("memory.memsw.limit_in_bytes"), "").unwrap();
    let layout = Layout::v1_of([("memory", folder.path().to_owned())]);
    (folder, layout)
}

#[test]
fn there_is_as_much_swap_as_memory_unless_told_otherwise() {
    let (_folder, layout) = with_swap();
    let limit = |swap| memory_of(swap, &layout)["swap"].as_i64().unwrap();
    assert_eq!(limit(None), 2000);
    assert_eq!(limit(Some(1000)), 1000);
    assert_eq!(limit(Some(-1)), -1);
}

#[test]
fn swap_is_not_bounded_where_the_kernel_cannot() {
    let layout = Layout::v1_of([("memory", "/nowhere".into())]);
    assert_eq!(
        memory_of(None, &layout),
        serde_json::json!({ "limit": 1000 })
    );
}

#[test]
fn cpu_time_is_a_part_of_a_tenth_of_a_second() {
    let quota = |nanos| {
        let bounds = Bounds {
            cpu_nanos: Some(nanos),
            ..Bounds::default()
        };
        let cpu = resources_of(bounds, &v1())["cpu"].clone();
        assert_eq!(cpu["period"], 100_000);
        cpu["quota"].as_i64().unwrap()
    };
    assert_eq!(quota(1_000_000_000), 100_000);
    assert_eq!(quota(250_000_000), 25_000);
    assert_eq!(quota(1), 1000);
}

#[test]
fn what_is_not_bounded_is_not_in_the_specification() {
    let resources = resources_of(Bounds::default(), &v1());
    let keys: Vec<&String> = resources.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["devices"]);
}
