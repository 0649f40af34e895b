//! Docker's rules, as tables.

use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, JobId, PoolId};
use longshore_runtime::MountSource;
use uuid::Uuid;

use super::*;
use crate::handle::ContainerId;

fn spec(change: impl FnOnce(&mut JobSpec)) -> JobSpec {
    let mut spec = JobSpec::new("busybox:1".parse().unwrap());
    change(&mut spec);
    spec
}

fn image(text: &str) -> ImageConfig {
    serde_json::from_str(text).unwrap()
}

fn merged(spec: JobSpec, image: &ImageConfig, network: Network) -> ContainerConfig {
    let attempt = AttemptId::new(Uuid::now_v7());
    let launch = Launch {
        pool: PoolId::new(Uuid::new_v4()),
        job: JobId::new(Uuid::now_v7()),
        attempt,
        host: "here".to_owned(),
        image: spec.image.clone(),
        spec,
        legacy: None,
    };
    let tags = Tags {
        id: ContainerId::new(attempt),
        image: launch.image.to_string(),
        image_id: "sha256:1".to_owned(),
    };
    let parts = Parts {
        launch: &launch,
        image,
        tags: &tags,
        layers: Vec::new(),
        like: None,
        network,
        volumes: Path::new("/volumes"),
    };
    parts.merge().unwrap()
}

fn container(change: impl FnOnce(&mut JobSpec), of_image: &str) -> ContainerConfig {
    merged(spec(change), &image(of_image), Network::None)
}

fn words(text: &str) -> longshore_core::spec::Command {
    text.split_whitespace().collect()
}

#[track_caller]
fn check_argv(entrypoint: Option<&str>, command: &str, wanted: &[&str]) {
    let of_image = image(r#"{"Entrypoint":["/in","-i"],"Cmd":["serve"]}"#);
    let spec = spec(|spec| {
        spec.entrypoint = entrypoint.map(|text| text.split(' ').collect());
        spec.command = words(command);
    });
    assert_eq!(argv(&spec, &of_image).unwrap(), wanted);
}

#[test]
fn a_command_replaces_that_of_the_image_and_an_entrypoint_replaces_both() {
    check_argv(None, "", &["/in", "-i", "serve"]);
    check_argv(None, "once", &["/in", "-i", "once"]);
    check_argv(Some("/own"), "", &["/own"]);
    check_argv(Some("/own"), "once", &["/own", "once"]);
    check_argv(Some(""), "once", &["once"]);
}

#[test]
fn an_image_without_a_command_wants_one_of_the_job() {
    let refused = argv(&spec(|_| {}), &ImageConfig::default()).unwrap_err();
    assert_eq!(refused.fault(), Fault::Configuration);
    assert!(refused.to_string().contains("nothing to run"));
    let of_image = image(r#"{"Cmd":["serve"]}"#);
    let emptied = spec(|spec| spec.entrypoint = Some([""].into_iter().collect()));
    assert!(argv(&emptied, &of_image).is_err());
}

#[test]
fn the_jobs_variables_come_before_the_images_and_win() {
    let set = |spec: &mut JobSpec| {
        spec.env.insert("B".parse().unwrap(), "job".to_owned());
        spec.env.insert("A".parse().unwrap(), "job".to_owned());
        spec.hostname = Some("me".parse().unwrap());
    };
    let of_image = r#"{"Env":["PATH=/own","Z=image","A=image","ODD"]}"#;
    let env = container(
        |spec| {
            set(spec);
            spec.command = words("true");
        },
        of_image,
    )
    .process
    .env;
    let env: Vec<String> = env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        env,
        ["PATH=/own", "HOSTNAME=me", "A=job", "B=job", "Z=image"]
    );
}

#[test]
fn user_and_folder_and_signal_are_the_images_unless_the_job_has_its_own() {
    let of_image = r#"{"Cmd":["x"],"User":"app","WorkingDir":"srv","StopSignal":"SIGRTMIN+3"}"#;
    let plain = container(|_| {}, of_image);
    assert_eq!(plain.process.user.as_deref(), Some("app"));
    assert_eq!(plain.process.workdir, Path::new("/srv"));
    assert_eq!(plain.stop_signal, 37);
    let own = container(
        |spec| {
            spec.user = Some("7:8".parse().unwrap());
            spec.workdir = Some("/work".to_owned());
            spec.stop_signal = Some(Signal::INT);
        },
        of_image,
    );
    assert_eq!(own.process.user.as_deref(), Some("7:8"));
    assert_eq!(own.process.workdir, Path::new("/work"));
    assert_eq!(own.stop_signal, 2);
    let bare = container(|_| {}, r#"{"Cmd":["x"],"User":"","StopSignal":"odd"}"#);
    assert_eq!((bare.process.user, bare.stop_signal), (None, 15));
    assert_eq!(bare.process.workdir, Path::new("/"));
}

#[test]
fn a_container_is_called_by_its_short_id_or_like_the_machine_whose_network_it_has() {
    let of_image = image(r#"{"Cmd":["x"]}"#);
    let own = merged(spec(|_| {}), &of_image, Network::Private);
    let id = Tags::of(&own).unwrap().id;
    assert_eq!(own.hostname, id.as_str()[..12]);
    let of_machine = merged(spec(|_| {}), &of_image, Network::Host);
    assert_eq!(of_machine.hostname, machine_name());
}

#[test]
fn memory_without_a_word_about_swap_has_none() {
    let bounds = |change: fn(&mut JobSpec)| container(change, r#"{"Cmd":["x"]}"#).bounds;
    assert_eq!(bounds(|_| {}).memory_swap_bytes, None);
    let limited = bounds(|spec| spec.memory = Some("64m".parse().unwrap()));
    assert_eq!(limited.memory_swap_bytes, Some(64 << 20));
    let swapping = bounds(|spec| {
        spec.memory = Some("64m".parse().unwrap());
        spec.memory_swap = Some("-1".parse().unwrap());
        spec.pids_limit = Some("-1".parse().unwrap());
    });
    assert_eq!(
        (swapping.memory_swap_bytes, swapping.pids),
        (Some(-1), None)
    );
}

#[test]
fn protections_are_on_unless_the_job_or_its_privileges_take_them_away() {
    let of = |options: &[&str], privileged: bool| {
        let container = container(
            |spec| {
                spec.privileged = privileged;
                spec.security_opt = options.iter().map(|text| text.parse().unwrap()).collect();
            },
            r#"{"Cmd":["x"]}"#,
        );
        (container.process.no_new_privileges, container.seccomp)
    };
    assert_eq!(of(&[], false), (true, Seccomp::Default));
    assert_eq!(of(&[], true), (false, Seccomp::Unconfined));
    let off = ["no-new-privileges=false", "seccomp=unconfined"];
    assert_eq!(of(&off, false), (false, Seccomp::Unconfined));
    let own = Seccomp::Profile("{}".to_owned());
    assert_eq!(of(&["seccomp={}"], true), (false, own));
}

#[test]
fn volumes_of_the_image_are_fresh_unless_the_job_mounts_something_there() {
    let mounts = container(
        |spec| {
            spec.volumes = vec!["cache:/data/deep:ro".parse().unwrap()];
            spec.tmpfs = vec!["/tmp:size=1m,mode=1777".parse().unwrap()];
        },
        r#"{"Cmd":["x"],"Volumes":{"/data/deep/":{},"/data":{},"/tmp":{},"/":{}}}"#,
    )
    .mounts;
    let shown: Vec<(&str, bool)> = mounts
        .iter()
        .map(|mount| (mount.target.to_str().unwrap(), mount.read_only))
        .collect();
    assert_eq!(
        shown,
        [("/tmp", false), ("/data", false), ("/data/deep", true)]
    );
    let options = vec!["size=1m".to_owned(), "mode=1777".to_owned()];
    assert_eq!(mounts[0].source, MountSource::Tmpfs(options));
    assert!(matches!(&mounts[1].source, MountSource::Fresh(_)));
    let named = MountSource::Volume("/volumes/cache/content".into());
    assert_eq!(mounts[2].source, named);
}

#[test]
fn labels_of_the_job_win_over_the_images_and_ours_over_all() {
    let container = container(
        |spec| {
            spec.labels
                .insert("team".parse().unwrap(), "job".to_owned());
        },
        r#"{"Cmd":["x"],"Labels":{"team":"image","built":"1","io.longshore.host":"image"}}"#,
    );
    let shown = crate::tags::shown(&container);
    assert_eq!(shown["team"], "job");
    assert_eq!(shown["built"], "1");
    assert_eq!(shown["io.longshore.host"], "here");
    assert!(shown.keys().all(|key| !key.starts_with("longshore.oci/")));
}
