//! Counters of running containers, and facts about the engine.

use std::time::Duration;

use jiff::SignedDuration;
use longshore_core::spec::{ByteSize, JobSpec};
use longshore_executor::{Executor, Force, UsageMeter};
use longshore_testkit::{Engine, EngineOptions, eventually_async, load_demo_image};

use crate::scene::{PATIENCE, Scene, demo_spec, executor};

#[tokio::test]
async fn a_running_container_has_counters_and_an_ended_one_has_none() {
    let scene = Scene::shared();
    let script = "head -c 20000000 /dev/zero | tail -c 19000000 >/dev/null & \
                  while :; do :; done & sleep 60";
    let spec = JobSpec {
        command: ["sh", "-c", script].into_iter().collect(),
        memory: Some(ByteSize::from_mebibytes(64)),
        ..demo_spec()
    };
    let handle = scene.started(&scene.launch_of(spec)).await;
    let meter = scene.executor.usage().unwrap();
    let sample = eventually_async("it used a tenth of a second", PATIENCE, || async {
        meter
            .sample(&handle)
            .await
            .unwrap()
            .filter(|sample| sample.cpu_nanos > 100_000_000)
    })
    .await;
    assert!(
        (100_000..64 << 20).contains(&sample.memory_bytes),
        "{sample:?}"
    );
    assert!(
        sample
            .kernel_peak_bytes
            .is_none_or(|peak| peak >= sample.memory_bytes),
        "{sample:?}"
    );
    scene.executor.stop(&handle, 0).await.unwrap();
    assert_eq!(scene.executor.sample(&handle).await.unwrap(), None);
    let never_run = scene
        .executor
        .create(&scene.launch(&["true"]))
        .await
        .unwrap();
    assert_eq!(scene.executor.sample(&never_run).await.unwrap(), None);
}

#[tokio::test]
async fn bytes_that_came_and_went_are_counted() {
    let scene = Scene::shared();
    let script = "nc -l -p 9 >/dev/null & sleep 0.2; ip=$(hostname -i); \
                  ping -c 3 -s 1000 172.17.0.1 >/dev/null 2>&1; echo $ip; sleep 60";
    let handle = scene.started(&scene.script(script)).await;
    let meter = scene.executor.usage().unwrap();
    eventually_async("three pings are counted", PATIENCE, || async {
        let sample = meter.sample(&handle).await.unwrap()?;
        (sample.network_tx_bytes > 3000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_probe_tells_who_and_how_the_engine_is() {
    let scene = Scene::shared();
    let facts = scene.executor.probe().await.unwrap();
    let says = |format: &str| scene.engine.docker(["info", "--format", format]).unwrap();
    assert_eq!(facts.engine, "docker");
    assert_eq!(facts.version, says("{{.ServerVersion}}"));
    assert_eq!(facts.engine_id, says("{{.ID}}"));
    assert_eq!(facts.cpus.to_string(), says("{{.NCPU}}"));
    assert_eq!(facts.memory_bytes.to_string(), says("{{.MemTotal}}"));
    assert_eq!(facts.storage_driver, says("{{.Driver}}"));
    assert_eq!(facts.cgroup_version.to_string(), says("{{.CgroupVersion}}"));
    assert!(facts.api_version.starts_with("1.4") && facts.platform.starts_with("linux/"));
    assert!(
        facts.clock_skew.abs() < SignedDuration::from_secs(2),
        "{}",
        facts.clock_skew
    );
    assert!(facts.latency < Duration::from_secs(10));
    assert!(facts.engine_started_at.is_some());
}

#[tokio::test]
async fn an_engine_that_was_restarted_has_a_new_start() {
    let mut engine = Engine::start(&EngineOptions::default()).unwrap();
    let executor = executor(engine.docker_host());
    let first = executor.probe().await.unwrap();
    engine.kill9().unwrap();
    let killed_at = jiff::Timestamp::now();
    engine.start_again().unwrap();
    let second = executor.probe().await.unwrap();
    assert_eq!(first.engine_id, second.engine_id);
    assert!(first.engine_started_at.unwrap() < killed_at);
    assert!(second.engine_started_at.unwrap() >= killed_at);
}

/// With live-restore nothing else shows that the engine is a new one.
#[tokio::test]
async fn an_engine_that_was_restarted_under_a_container_says_so() {
    let options = EngineOptions {
        live_restore: true,
        ..EngineOptions::default()
    };
    let mut engine = Engine::start(&options).unwrap();
    load_demo_image(engine.access()).unwrap();
    let scene = Scene::on(engine.access());
    let handle = scene.started(&scene.script("sleep 600")).await;
    let restarted = async |since| {
        let answer = scene.executor.restarted_since(&handle, since).await;
        answer.unwrap()
    };
    let launch = scene.script("true");
    let made = scene.executor.create(&launch).await.unwrap();
    let fell_since_it_was_made = async || {
        let answer = scene.executor.restarted_since(&made, None).await;
        answer.unwrap()
    };
    let before = jiff::Timestamp::now();
    assert!(!fell_since_it_was_made().await);
    assert!(!restarted(None).await);
    assert!(!restarted(Some(before)).await);
    engine.kill9().unwrap();
    engine.start_again().unwrap();
    assert!(fell_since_it_was_made().await);
    assert!(restarted(None).await);
    assert!(restarted(Some(before)).await);
    scene.executor.stop(&handle, 0).await.unwrap();
    assert!(!restarted(Some(jiff::Timestamp::now())).await);
    scene.executor.remove(&handle, Force::Kill).await.unwrap();
    assert!(!restarted(None).await);
}

#[tokio::test]
async fn a_container_that_was_sent_a_signal_is_remembered() {
    let scene = Scene::shared();
    let (quiet, exit) = scene.ran(&scene.script("exit 3")).await;
    let until = exit.finished_at.unwrap();
    let signalled =
        async |handle, until| scene.executor.was_signalled(handle, until).await.unwrap();
    assert!(!signalled(&quiet, until).await);
    let (killed, exit) = scene.ran(&scene.script("kill -9 $$")).await;
    assert!(
        !signalled(&killed, exit.finished_at.unwrap()).await,
        "by itself"
    );
    let stopped = scene.started(&scene.script("sleep 600")).await;
    scene.executor.stop(&stopped, 0).await.unwrap();
    let exit = scene.ended(&stopped).await;
    assert!(signalled(&stopped, exit.finished_at.unwrap()).await);
}
