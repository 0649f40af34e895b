//! Volumes, networks and images with a pool's label.

use longshore_core::fault::Fault as Blame;
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL};
use longshore_core::spec::JobSpec;
use longshore_executor::{Executor, Inventory, Removed, Resource, ResourceKind};
use longshore_testkit::{Fault, FaultProxy, Rule, feed, shared_engine, temp_dir, unique_name};
use serde_json::{Value, json};

use crate::scene::{Scene, demo_spec};

/// What is labelled as the scene's goes with this value.
struct Leftovers<'a>(&'a Scene);

impl Leftovers<'_> {
    fn label(&self) -> String {
        format!("{LABEL_POOL}={}", self.0.pool)
    }

    /// A volume or network of this name.
    fn make(&self, kind: &str, name: &str) {
        let label = self.label();
        let args = [kind, "create", "--label", &label, name];
        self.0.engine.docker(args).unwrap();
    }

    /// An image of this name.
    fn make_image(&self, name: &str) {
        let (folder, label) = (temp_dir(), format!("LABEL {}", self.label()));
        let archive = folder.path().join("empty.tar");
        std::fs::write(&archive, [0; 1024]).unwrap();
        let mut import = self.0.engine.docker_command();
        import.args(["import", "--change", &label, "-", name]);
        feed(&mut import, &archive).unwrap();
    }

    async fn listed(&self) -> Vec<Resource> {
        self.0.executor.resources(self.0.pool).await.unwrap()
    }

    async fn only(&self) -> Resource {
        let [only] = <[Resource; 1]>::try_from(self.listed().await).unwrap();
        only
    }
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        let engine = &self.0.engine;
        let filter = format!("label={}", self.label());
        for id in self.0.containers() {
            let _ = engine.docker(["rm", "--force", &id]);
        }
        for kind in ["volume", "network", "image"] {
            let listed = engine.docker([kind, "ls", "--quiet", "--filter", &filter]);
            for name in listed.unwrap_or_default().lines() {
                let _ = engine.docker([kind, "rm", name]);
            }
        }
    }
}

#[tokio::test]
async fn a_resource_is_listed_with_its_kind_name_id_and_age() {
    let scene = Scene::shared();
    let leftovers = Leftovers(&scene);
    let (volume, network) = (unique_name("vol"), unique_name("net"));
    leftovers.make("volume", &volume);
    leftovers.make("network", &network);
    let image = format!("{}:1", unique_name("img"));
    leftovers.make_image(&image);
    let listed = leftovers.listed().await;
    let names: Vec<_> = listed
        .iter()
        .map(|it| (it.kind, it.name.as_str()))
        .collect();
    let wanted = [
        (ResourceKind::Volume, volume.as_str()),
        (ResourceKind::Network, &network),
        (ResourceKind::Image, &image),
    ];
    assert_eq!(names, wanted);
    for resource in &listed {
        assert!(resource.created_at.is_some(), "{resource:?}");
    }
    let says = |format, name: &str| {
        let args = ["inspect", "--format", format, name];
        scene.engine.docker(args).unwrap()
    };
    assert_eq!(listed[0].id, volume);
    assert_eq!(listed[1].id, says("{{.Id}}", &network));
    assert_eq!(listed[2].id, says("{{.Id}}", &image));
}

#[tokio::test]
async fn an_image_goes_with_all_its_names() {
    let scene = Scene::shared();
    let leftovers = Leftovers(&scene);
    let names = [unique_name("one"), unique_name("two")].map(|name| format!("{name}:1"));
    leftovers.make_image(&names[0]);
    scene.engine.docker(["tag", &names[0], &names[1]]).unwrap();
    let image = leftovers.only().await;
    assert_eq!(
        scene.executor.remove_resource(&image).await.unwrap(),
        Removed::Gone
    );
    assert_eq!(leftovers.listed().await, []);
}

#[tokio::test]
async fn an_image_without_a_name_has_its_id_as_name_and_is_removed() {
    let scene = Scene::shared();
    let leftovers = Leftovers(&scene);
    let name = format!("{}:1", unique_name("img"));
    leftovers.make_image(&name);
    let first = leftovers.only().await;
    // The next image of this name takes it away from the first.
    leftovers.make_image(&name);
    let listed = leftovers.listed().await;
    let nameless = listed.iter().find(|listed| listed.id == first.id).unwrap();
    assert_eq!(nameless.name, first.id);
    let removed = scene.executor.remove_resource(nameless).await.unwrap();
    assert_eq!(removed, Removed::Gone);
    assert_eq!(leftovers.only().await.name, name);
}

#[tokio::test]
async fn what_the_engine_says_to_be_in_use_is_a_conflict() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let leftovers = Leftovers(&scene);
    for (kind, status) in [("volume", 409), ("network", 403)] {
        leftovers.make(kind, &unique_name("left"));
        let resource = leftovers.only().await;
        let body = json!({ "message": "it was taken a moment ago" }).to_string();
        let path = format!("/{kind}s/{}", resource.id);
        proxy.add(Rule::first(&path, Fault::Answer { status, body }));
        let error = scene.executor.remove_resource(&resource).await.unwrap_err();
        assert_eq!(error.fault(), Blame::Conflict, "{error}");
        let removed = scene.executor.remove_resource(&resource).await.unwrap();
        assert_eq!(removed, Removed::Gone);
    }
}

#[tokio::test]
async fn an_engine_that_does_not_know_the_filter_shows_no_foreign_resource() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let foreign = json!({ "Volumes": [{ "Name": "theirs", "Labels": { "team": "blue" } }] });
    let body = foreign.to_string();
    proxy.add(Rule::first("/volumes", Fault::Answer { status: 200, body }));
    assert_eq!(scene.executor.resources(scene.pool).await.unwrap(), []);
}

#[tokio::test]
async fn a_name_that_nothing_can_have_is_absent() {
    let scene = Scene::shared();
    for kind in ResourceKind::ALL {
        let resource = Resource {
            kind,
            id: "../containers/x".into(),
            name: "x".into(),
            in_use: false,
            created_at: None,
        };
        let removed = scene.executor.remove_resource(&resource).await.unwrap();
        assert_eq!(removed, Removed::WasAbsent);
    }
}

#[tokio::test]
async fn an_anonymous_volume_says_whose_it_is_and_a_named_one_is_the_users() {
    let scene = Scene::shared();
    let named = unique_name("vol");
    let volumes = json!(["/scratch", format!("{named}:/kept")]);
    let spec = JobSpec {
        volumes: serde_json::from_value(volumes).unwrap(),
        ..demo_spec()
    };
    let launch = scene.launch_of(spec);
    let handle = scene.executor.create(&launch).await.unwrap();
    let mounts = scene.inspected(&handle)["Mounts"].clone();
    let labels = |target: &str| {
        let mut mounts = mounts.as_array().unwrap().iter();
        let mount = mounts.find(|mount| mount["Destination"] == target).unwrap();
        let name = mount["Name"].as_str().unwrap();
        let args = ["volume", "inspect", "--format", "{{json .Labels}}", name];
        serde_json::from_str::<Value>(&scene.engine.docker(args).unwrap()).unwrap()
    };
    let own = json!({
        (LABEL_POOL): launch.pool,
        (LABEL_JOB): launch.job,
        (LABEL_ATTEMPT): launch.attempt,
    });
    assert_eq!(labels("/scratch"), own);
    assert_eq!(labels("/kept"), Value::Null);
    scene
        .engine
        .docker(["rm", "--volumes", &handle.content])
        .unwrap();
    scene.engine.docker(["volume", "rm", &named]).unwrap();
}
