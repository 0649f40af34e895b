//! What an engine has, whoever made it, and what it uses at this moment.

use jiff::Timestamp;
use longshore_core::fault::Fault as Blame;
use longshore_core::spec::{ByteSize, JobSpec};
use longshore_executor::{ContainerState, Executor, Inventory, Listed, Which};
use longshore_testkit::{
    DEMO_IMAGE, EngineAccess, Fault, FaultProxy, Rule, eventually_async, shared_engine, unique_name,
};
use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, demo_spec, executor};

/// A container that another program made; it is gone afterwards.
struct Foreign {
    engine: EngineAccess,
    id: String,
}

impl Foreign {
    fn new(scene: &Scene, verb: &str, options: &[&str], argv: &[&str]) -> Self {
        let parts = [&[verb], options, &[DEMO_IMAGE], argv].concat();
        Self {
            engine: scene.engine.clone(),
            id: scene.engine.docker(parts).unwrap(),
        }
    }

    /// Sleeps until somebody ends it.
    fn running(scene: &Scene, options: &[&str]) -> Self {
        let options = [&["--detach", "--init"], options].concat();
        Self::new(scene, "run", &options, &["sleep", "600"])
    }

    fn docker(&self, verb: &str) {
        self.engine.docker([verb, &self.id]).unwrap();
    }

    /// What `docker ps` says of it.
    fn status(&self) -> String {
        let filter = format!("id={}", self.id);
        let args = [
            "ps",
            "--all",
            "--format",
            "{{.Status}}",
            "--filter",
            &filter,
        ];
        self.engine.docker(args).unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.engine.docker(["rm", "--force", &self.id]);
    }
}

async fn looked_up(scene: &Scene, name: &str) -> Option<Listed> {
    scene.executor.container(name).await.unwrap()
}

#[tokio::test]
async fn containers_of_anybody_are_listed_in_one_request() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let name = unique_name("foreign");
    let paused = Foreign::running(&scene, &["--name", &name, "--label", "team=blue"]);
    paused.docker("pause");
    let never_ran = Foreign::new(&scene, "create", &[], &["true"]);
    scene.executor.probe().await.unwrap();
    let before = proxy.requests().len();

    let all = scene.executor.containers(Which::All).await.unwrap();

    assert_eq!(proxy.requests().len() - before, 1);
    let of = |foreign: &Foreign| all.iter().find(|listed| listed.id == foreign.id).unwrap();
    let found = of(&paused);
    assert_eq!(
        (found.name.as_str(), found.image.as_str()),
        (name.as_str(), DEMO_IMAGE)
    );
    assert_eq!(found.state, ContainerState::Paused);
    assert!(found.status.ends_with("(Paused)"), "{}", found.status);
    assert_eq!(found.labels["team"], "blue");
    let age = Timestamp::now().duration_since(found.created_at);
    assert!((-2..600).contains(&age.as_secs()), "{age}");
    assert_eq!(of(&never_ran).state, ContainerState::Created);
    let running = scene.executor.containers(Which::Running).await.unwrap();
    assert!(running.iter().any(|listed| listed.id == paused.id));
    assert!(running.iter().all(|listed| listed.state.is_running()));
}

#[tokio::test]
async fn one_container_is_described_in_the_words_of_the_engine() {
    let scene = Scene::shared();
    let foreign = Foreign::running(&scene, &[]);
    for verb in ["pause", "unpause", "stop"] {
        foreign.docker(verb);
        eventually_async("both say the same", PATIENCE, || async {
            let found = looked_up(&scene, &foreign.id).await.unwrap();
            let (ours, theirs) = (found.status, foreign.status());
            if ours == theirs {
                Ok(())
            } else {
                Err((ours, theirs))
            }
        })
        .await;
    }
    let found = looked_up(&scene, &foreign.id).await.unwrap();
    assert!(found.status.starts_with("Exited (143)"), "{}", found.status);
    assert!(found.finished_at.unwrap() >= found.created_at);
    foreign.docker("start");
    let again = looked_up(&scene, &foreign.id).await.unwrap();
    assert_eq!(
        (again.state, again.finished_at),
        (ContainerState::Running, None)
    );
}

#[tokio::test]
async fn the_beginning_of_two_ids_is_an_error() {
    let scene = Scene::shared();
    let mut made: Vec<Foreign> = Vec::new();
    let beginning = loop {
        let next = Foreign::new(&scene, "create", &[], &["true"]);
        let beginning = next.id[..1].to_owned();
        let is_known = made.iter().any(|known| known.id.starts_with(&beginning));
        made.push(next);
        if is_known {
            break beginning;
        }
    };
    let error = scene.executor.container(&beginning).await.unwrap_err();
    assert_eq!(error.fault(), Blame::Configuration, "{error}");
}

#[tokio::test]
async fn a_container_that_goes_while_it_is_looked_up_is_none() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let handle = scene
        .executor
        .create(&scene.launch(&["true"]))
        .await
        .unwrap();
    proxy.add(Rule::first("/containers/json", answer(&json!([]))));
    assert_eq!(looked_up(&scene, &handle.content).await, None);
    assert!(looked_up(&scene, &handle.content).await.is_some());
}

#[tokio::test]
async fn states_that_only_other_engines_have_are_read() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let entry = |word: &str, status: &str| json!({ "Id": "a1", "Created": 7, "State": word, "Status": status, "Names": ["/x"] });
    let list = json!([
        entry("stopping", "Up 2 hours"),
        entry("stopped", "Exited (0)")
    ]);
    proxy.add(Rule::first("/containers/json", answer(&list)));
    let all = scene.executor.containers(Which::All).await.unwrap();
    let states: Vec<ContainerState> = all.iter().map(|listed| listed.state).collect();
    assert_eq!(states, [ContainerState::Running, ContainerState::Exited]);
}

fn answer(body: &Value) -> Fault {
    Fault::Answer {
        status: 200,
        body: body.to_string(),
    }
}

#[tokio::test]
async fn half_a_core_is_fifty_percent() {
    let scene = Scene::shared();
    let spec = JobSpec {
        command: ["sh", "-c", "while :; do :; done"].into_iter().collect(),
        cpus: Some("0.5".parse().unwrap()),
        memory: Some(ByteSize::from_mebibytes(64)),
        ..demo_spec()
    };
    let handle = scene.started(&scene.launch_of(spec)).await;
    let found = scene.executor.statistics(&handle).await.unwrap().unwrap();
    // Never more than its limit, and less only where others take the time of all cores.
    assert!((5.0..60.0).contains(&found.cpu_percent), "{found:?}");
    assert_eq!(found.memory_limit_bytes, Some(64 << 20));
    assert!(found.pids.is_some_and(|pids| pids >= 2), "{found:?}");
    assert_eq!(found.raw["memory_stats"]["limit"], 64 << 20);
    assert_eq!(
        found.raw["cpu_stats"]["cpu_usage"]["total_usage"],
        found.sample.cpu_nanos
    );
    assert!(found.raw["precpu_stats"]["cpu_usage"]["total_usage"].as_u64() > Some(0));
}

#[tokio::test]
async fn a_container_that_never_ran_has_no_statistics() {
    let scene = Scene::shared();
    let handle = scene
        .executor
        .create(&scene.launch(&["true"]))
        .await
        .unwrap();
    assert_eq!(scene.executor.statistics(&handle).await.unwrap(), None);
}

#[tokio::test]
async fn statistics_that_cannot_be_read_are_the_fault_of_the_engine() {
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let scene = Scene::through(&proxy);
    let handle = scene
        .executor
        .create(&scene.launch(&["true"]))
        .await
        .unwrap();
    proxy.add(Rule::first(
        "/stats",
        answer(&json!({ "cpu_stats": "much" })),
    ));
    let error = scene.executor.statistics(&handle).await.unwrap_err();
    assert_eq!(error.fault(), Blame::Internal, "{error}");
}

#[tokio::test]
async fn the_inventory_of_a_host_that_is_away_is_unreachable() {
    let scene = Scene::shared();
    let away = executor("unix:///nonexistent/docker.sock");
    let handle = away.to_handle("a1");
    let faults = [
        away.containers(Which::All).await.unwrap_err().fault(),
        away.container("a1").await.unwrap_err().fault(),
        away.statistics(&handle).await.unwrap_err().fault(),
        away.resources(scene.pool).await.unwrap_err().fault(),
    ];
    assert_eq!(faults, [Blame::Unreachable; 4]);
}
