//! Every field of the spec, from its words to the real container.

use longshore_core::launch::Launch;
use longshore_core::spec::JobSpec;
use longshore_executor::Executor;
use longshore_testkit::{temp_dir, unique_name};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Fields that never reach a container: they say when, where and how often it runs.
const NOT_OF_THE_CONTAINER: [&str; 16] = [
    "after",
    "array",
    "description",
    "env_file",
    "env_template",
    "host",
    "on",
    "idempotency_key",
    "limits",
    "lost",
    "owner",
    "priority",
    "pull",
    "queue",
    "retry",
    "timeouts",
];

/// The rest of the words; each is asserted below.
fn whole_spec(network: &str, other: &str, volume: &str, folder: &str) -> Value {
    json!({
        "image": "demo-image:latest",
        "command": ["-c", "echo $GREETING; sleep 60"],
        "entrypoint": ["/bin/sh", "-e"],
        "env": { "GREETING": "hello = world", "EMPTY": "" },
        "workdir": "/tmp",
        "user": "1000:1000",
        "hostname": "builder",
        "memory": "64m",
        "memory_swap": "96m",
        "cpus": "0.5",
        "pids_limit": 77,
        "shm_size": "32m",
        "ulimits": ["nofile=100:200", "core=0"],
        "networks": [format!("{network}:db,cache"), other],
        "extra_hosts": ["peer:10.1.2.3"],
        "dns": ["10.9.8.7"],
        "volumes": [format!("{volume}:/volume"), format!("{folder}:/folder:ro")],
        "tmpfs": ["/scratch:size=8m,mode=1777", "/plain"],
        "read_only": true,
        "cap_add": ["NET_ADMIN"],
        "cap_drop": ["ALL"],
        "security_opt": ["seccomp=unconfined"],
        "privileged": false,
        "init": false,
        "platform": "linux/amd64",
        "stop_signal": "SIGINT",
        "labels": { "team": "blue" },
        "name": "whole",
        "log_limit": "64m",
        "timeouts": { "stop_grace": 17 },
    })
}

/// Networks, a volume and a folder that are gone afterwards.
struct Surroundings<'a> {
    scene: &'a Scene,
    networks: [String; 2],
    volume: String,
    folder: tempfile::TempDir,
}

impl<'a> Surroundings<'a> {
    fn new(scene: &'a Scene) -> Self {
        let networks = [unique_name("net"), unique_name("net")];
        for network in &networks {
            scene.engine.docker(["network", "create", network]).unwrap();
        }
        Self {
            scene,
            networks,
            volume: unique_name("vol"),
            folder: temp_dir(),
        }
    }

    fn launch(&self) -> Launch {
        let [network, other] = &self.networks;
        let folder = self.folder.path().display().to_string();
        let spec = whole_spec(network, other, &self.volume, &folder);
        self.scene.launch_of(serde_json::from_value(spec).unwrap())
    }
}

impl Drop for Surroundings<'_> {
    fn drop(&mut self) {
        for id in self.scene.containers() {
            let _ = self.scene.engine.docker(["rm", "--force", &id]);
        }
        let [network, other] = &self.networks;
        let _ = self.scene.engine.docker(["network", "rm", network, other]);
        let _ = self.scene.engine.docker(["volume", "rm", &self.volume]);
    }
}

#[tokio::test]
async fn a_container_has_every_field_of_its_spec() {
    let scene = Scene::shared();
    let surroundings = Surroundings::new(&scene);
    let launch = surroundings.launch();
    let handle = scene.started(&launch).await;
    let found = scene.inspected(&handle);
    assert_eq!(found["Name"], format!("/{}", launch.container_name()));
    assert_eq!(found["State"]["Status"], "running");
    check_config(&found["Config"], &launch);
    check_host_config(&found["HostConfig"]);
    check_mounts(&found["Mounts"], &surroundings);
    check_networks(
        &found["NetworkSettings"]["Networks"],
        &surroundings.networks,
    );
}

fn check_config(config: &Value, launch: &Launch) {
    assert_eq!(config["Image"], "demo-image:latest");
    assert_eq!(config["Cmd"], json!(["-c", "echo $GREETING; sleep 60"]));
    assert_eq!(config["Entrypoint"], json!(["/bin/sh", "-e"]));
    let env = config["Env"].as_array().unwrap();
    assert!(env.contains(&json!("GREETING=hello = world")) && env.contains(&json!("EMPTY=")));
    assert_eq!(config["WorkingDir"], "/tmp");
    assert_eq!(config["User"], "1000:1000");
    assert_eq!(config["Hostname"], "builder");
    assert_eq!(config["Tty"], false);
    assert_eq!(config["StopSignal"], "SIGINT");
    assert_eq!(config["StopTimeout"], 17);
    let labels = config["Labels"].as_object().unwrap();
    assert_eq!(labels["team"], "blue");
    for (key, value) in launch.labels() {
        assert_eq!(labels[&key], value);
    }
    assert_eq!(labels["io.longshore.name"], "whole");
    assert_eq!(labels["io.longshore.host"], "test-host");
}

fn check_host_config(host: &Value) {
    const MIB: u64 = 1024 * 1024;
    let table = [
        ("Memory", json!(64 * MIB)),
        ("MemorySwap", json!(96 * MIB)),
        ("NanoCpus", json!(500_000_000)),
        ("PidsLimit", json!(77)),
        ("ShmSize", json!(32 * MIB)),
        ("Binds", Value::Null),
        ("ExtraHosts", json!(["peer:10.1.2.3"])),
        ("Dns", json!(["10.9.8.7"])),
        (
            "Tmpfs",
            json!({ "/scratch": "size=8m,mode=1777", "/plain": "" }),
        ),
        ("ReadonlyRootfs", json!(true)),
        ("CapAdd", json!(["NET_ADMIN"])),
        ("CapDrop", json!(["ALL"])),
        (
            "SecurityOpt",
            json!(["no-new-privileges", "seccomp=unconfined"]),
        ),
        ("Privileged", json!(false)),
        ("Init", json!(false)),
        ("AutoRemove", json!(false)),
        (
            "RestartPolicy",
            json!({ "Name": "no", "MaximumRetryCount": 0 }),
        ),
        ("DeviceRequests", Value::Null),
    ];
    for (field, value) in table {
        assert_eq!(host[field], value, "{field}");
    }
    let ulimits = host["Ulimits"].as_array().unwrap();
    assert!(ulimits.contains(&json!({ "Name": "nofile", "Soft": 100, "Hard": 200 })));
    assert!(ulimits.contains(&json!({ "Name": "core", "Soft": 0, "Hard": 0 })));
    let log = json!({ "max-size": (32 * MIB).to_string(), "max-file": "4", "compress": "false" });
    assert_eq!(host["LogConfig"], json!({ "Type": "local", "Config": log }));
}

fn check_mounts(mounts: &Value, surroundings: &Surroundings) {
    let mount = |target: &str| {
        let found = mounts
            .as_array()
            .unwrap()
            .iter()
            .find(|mount| mount["Destination"] == target);
        found
            .unwrap_or_else(|| panic!("{target} is not in {mounts}"))
            .clone()
    };
    let volume = mount("/volume");
    assert_eq!(
        (&volume["Type"], &volume["RW"]),
        (&json!("volume"), &json!(true))
    );
    assert_eq!(volume["Name"], surroundings.volume);
    let folder = mount("/folder");
    assert_eq!(
        (&folder["Type"], &folder["RW"]),
        (&json!("bind"), &json!(false))
    );
    assert_eq!(
        folder["Source"],
        surroundings.folder.path().display().to_string()
    );
}

fn check_networks(joined: &Value, [network, other]: &[String; 2]) {
    assert_eq!(joined.as_object().unwrap().len(), 2, "{joined}");
    let aliases = joined[network]["Aliases"].as_array().unwrap();
    assert!(
        aliases.contains(&json!("db")) && aliases.contains(&json!("cache")),
        "{aliases:?}"
    );
    assert!(
        joined[other]["IPAddress"]
            .as_str()
            .is_some_and(|address| !address.is_empty())
    );
}

#[tokio::test]
async fn creating_twice_with_two_networks_joins_both_once() {
    let scene = Scene::shared();
    let surroundings = Surroundings::new(&scene);
    let launch = surroundings.launch();
    let first = scene.executor.create(&launch).await.unwrap();
    assert_eq!(scene.executor.create(&launch).await.unwrap(), first);
    scene.executor.start(&first).await.unwrap();
    assert_eq!(scene.executor.create(&launch).await.unwrap(), first);
    let found = scene.inspected(&first);
    check_networks(
        &found["NetworkSettings"]["Networks"],
        &surroundings.networks,
    );
}

async fn created(scene: &Scene, spec: Value) -> Value {
    let spec: JobSpec = serde_json::from_value(spec).unwrap();
    let handle = scene.executor.create(&scene.launch_of(spec)).await.unwrap();
    scene.inspected(&handle)["HostConfig"].clone()
}

#[tokio::test]
async fn a_spec_of_an_image_alone_gets_safe_defaults() {
    let scene = Scene::shared();
    let host = created(&scene, json!({ "image": "demo-image", "memory": "32m" })).await;
    let table = [
        ("SecurityOpt", json!(["no-new-privileges"])),
        ("Init", json!(true)),
        // No swap beyond the memory, where the engine itself would give as much again.
        ("MemorySwap", json!(32 * 1024 * 1024)),
        ("Privileged", json!(false)),
        ("NetworkMode", json!("default")),
        ("ReadonlyRootfs", json!(false)),
    ];
    for (field, value) in table {
        assert_eq!(host[field], value, "{field}");
    }
    assert_eq!(
        host["LogConfig"]["Config"]["max-size"],
        (512 * 1024 * 1024).to_string()
    );
}

#[tokio::test]
async fn privileges_swap_gpus_and_lone_networks_are_passed_on() {
    let scene = Scene::shared();
    let image = "demo-image";
    let host = created(
        &scene,
        json!({ "image": image, "privileged": true, "memory": "32m", "memory_swap": "-1",
                "pids_limit": -1, "gpus": "device=0,1", "networks": ["none"] }),
    )
    .await;
    assert_eq!(
        (&host["Privileged"], &host["MemorySwap"]),
        (&json!(true), &json!(-1))
    );
    assert!(
        !host["SecurityOpt"]
            .to_string()
            .contains("no-new-privileges")
    );
    assert_eq!(host["NetworkMode"], "none");
    let request = &host["DeviceRequests"][0];
    assert_eq!(request["DeviceIDs"], json!(["0", "1"]));
    assert_eq!(request["Capabilities"], json!([["gpu"]]));
    let all = created(
        &scene,
        json!({ "image": image, "gpus": "all", "networks": ["host"] }),
    )
    .await;
    assert_eq!(
        (&all["DeviceRequests"][0]["Count"], &all["NetworkMode"]),
        (&json!(-1), &json!("host"))
    );
    let two = created(&scene, json!({ "image": image, "gpus": 2 })).await;
    assert_eq!(two["DeviceRequests"][0]["Count"], 2);
    let open = json!({ "image": image, "security_opt": ["no-new-privileges=false"] });
    assert_eq!(
        created(&scene, open).await["SecurityOpt"],
        json!(["no-new-privileges=false"])
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_refused_and_not_made() {
    let scene = Scene::shared();
    let path = format!("/tmp/{}", unique_name("not-there"));
    let spec = json!({ "image": "demo-image", "volumes": [format!("{path}:/in")] });
    let launch = scene.launch_of(serde_json::from_value(spec).unwrap());
    let error = scene.executor.create(&launch).await.unwrap_err();
    assert_eq!(error.fault(), longshore_core::fault::Fault::Configuration);
    assert!(error.to_string().contains(&path), "{error}");
}

#[tokio::test]
async fn more_cpus_than_the_host_has_are_unsupported_there() {
    let scene = Scene::shared();
    let spec = json!({ "image": "demo-image", "cpus": "4000" });
    let launch = scene.launch_of(serde_json::from_value(spec).unwrap());
    let error = scene.executor.create(&launch).await.unwrap_err();
    assert_eq!(
        error.fault(),
        longshore_core::fault::Fault::Unsupported,
        "{error}"
    );
}

#[tokio::test]
async fn a_bounded_root_is_unsupported_where_the_file_system_of_the_engine_cannot() {
    let scene = Scene::shared();
    let spec = json!({ "image": "demo-image", "storage_opt": { "size": "1g" } });
    let launch = scene.launch_of(serde_json::from_value(spec).unwrap());
    let error = scene.executor.create(&launch).await.unwrap_err();
    assert_eq!(error.fault(), longshore_core::fault::Fault::Unsupported);
    assert!(error.to_string().contains("pquota"), "{error}");
}

/// A new field of the spec fails here until it is asserted above or named as none of ours.
#[test]
fn no_field_is_forgotten() {
    let schema = serde_json::to_value(schemars::schema_for!(JobSpec)).unwrap();
    let mut known: Vec<String> = NOT_OF_THE_CONTAINER.map(str::to_owned).into();
    known.extend(
        whole_spec("n", "o", "v", "/f")
            .as_object()
            .unwrap()
            .keys()
            .cloned(),
    );
    known.extend(["gpus".to_owned(), "storage_opt".to_owned()]);
    known.sort();
    known.dedup();
    let mut fields: Vec<String> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    fields.sort();
    assert_eq!(fields, known);
}
