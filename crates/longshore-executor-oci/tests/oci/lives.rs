//! Lives of containers beyond the contract: what another process finds, what the kernel counted,
//! what ends them.

use std::time::Duration;

use longshore_core::attempt::{Evidence, ExitCause, Observed, Terms, judge};
use longshore_core::log::Stream;
use longshore_core::outcome::{FailReason, Limit, Outcome, Provenance};
use longshore_core::spec::TimeLimit;
use longshore_executor::{Executor, Force, HostEvent, Inventory, LogRange, Removed, UsageMeter};
use longshore_testkit::eventually_async;

use crate::scene::{PATIENCE, Scene, frames};

/// As short as a limit can be.
fn second() -> TimeLimit {
    "1s".parse().unwrap()
}

fn verdict(exit: &longshore_core::attempt::Exit) -> Outcome {
    let terms = Terms {
        pull: Duration::from_mins(1),
        start: Duration::from_mins(1),
        run: None,
        total_until: None,
        lost_after: None,
    };
    judge(exit, None, &Evidence::plain(Provenance::Recovery), &terms).outcome
}

/// A worker that was killed leaves what the next one needs.
#[tokio::test]
async fn another_process_finds_it_follows_it_and_ends_it() {
    let scene = Scene::new().await;
    let launch = scene.script("trap 'echo bye; exit 4' TERM; echo one; echo two; sleep 600 & wait");
    let handle = scene.started(&launch).await;
    let other = scene.root.executor();
    assert_eq!(
        other.find(launch.attempt).await.unwrap(),
        Some(handle.clone())
    );
    assert_eq!(other.create(&launch).await.unwrap(), handle);
    eventually_async("it has printed", PATIENCE, || async {
        let printed = frames(&other, &handle, LogRange::All).await;
        if printed.len() == 2 {
            Ok(())
        } else {
            Err(printed)
        }
    })
    .await;
    other.stop(&handle, 20).await.unwrap();
    let exit = scene.ended(&handle).await;
    assert_eq!((exit.code, exit.cause), (4, ExitCause::Stopped));
    assert_eq!(scene.printed(&handle).await, "one\ntwo\nbye\n");
}

/// Its supervisor keeps the limit, whoever else is alive by then, and whatever code comes of it.
#[tokio::test]
async fn a_run_that_takes_too_long_is_ended_by_its_supervisor_and_is_a_timeout() {
    let scene = Scene::new().await;
    let launch = scene.launch(|spec| {
        let script = "trap 'exit 0' TERM; sleep 600 & wait";
        spec.command = ["sh", "-c", script].into_iter().collect();
        spec.timeouts.run = Some(second());
    });
    let (_, exit) = scene.ran(&launch).await;
    assert_eq!((exit.code, exit.cause), (0, ExitCause::RunLimit));
    assert_eq!(verdict(&exit), Outcome::TimedOut(Limit::Run));
}

/// Nobody saw how it ended: that is never success.
#[tokio::test]
async fn a_container_whose_supervisor_is_killed_is_gone_and_lost() {
    let scene = Scene::new().await;
    let handle = scene.started(&scene.script("echo begun; sleep 600")).await;
    eventually_async("it has printed", PATIENCE, || async {
        match scene.printed(&handle).await.as_str() {
            "begun\n" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
    let following = frames(&scene.executor, &handle, LogRange::Follow);
    kill_supervisor(&scene, &handle.content);
    let exit = scene.ended(&handle).await;
    assert_eq!(exit.cause, ExitCause::Unwitnessed);
    assert!(exit.started_at.is_some());
    assert_eq!(verdict(&exit), Outcome::Failed(FailReason::Lost));
    assert_eq!(following.await.len(), 1);
    scene.executor.start(&handle).await.unwrap();
    assert!(matches!(
        scene.executor.observe(&handle).await.unwrap(),
        Observed::Exited(_)
    ));
    let removed = scene.executor.remove(&handle, Force::Never).await;
    assert_eq!(removed.unwrap(), Removed::Gone);
}

/// By the lock that it holds, as it says where it is.
fn kill_supervisor(scene: &Scene, id: &str) {
    let attempt = uuid::Uuid::parse_str(&id[32..]).unwrap();
    let name = format!("longshore-{attempt}");
    let folder = scene.root.path().join("containers").join(name);
    let file = std::fs::File::open(folder.join("container.json")).unwrap();
    let wanted = rustix::process::Flock::from(rustix::process::FlockType::WriteLock);
    let holder = rustix::process::fcntl_getlk(file, &wanted)
        .unwrap()
        .unwrap();
    let pid = holder.pid.unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// Exactly, however short it lived.
#[tokio::test]
async fn what_it_used_is_known_from_the_kernels_counters_when_it_has_ended() {
    let scene = Scene::new().await;
    let launch = scene.launch(|spec| {
        let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); i=0; \
            while [ $i -lt 50000 ]; do i=$((i+1)); done; echo ${#x}";
        spec.command = ["sh", "-c", script].into_iter().collect();
        spec.memory = Some("128m".parse().unwrap());
    });
    let handle = scene.started(&launch).await;
    assert_eq!(scene.executor.totals(&handle).await.unwrap(), None);
    let exit = scene.ended(&handle).await;
    assert_eq!(exit.code, 0);
    let totals = scene.executor.totals(&handle).await.unwrap().unwrap();
    assert!(totals.cpu_nanos > 10_000_000, "{totals:?}");
    assert!(totals.kernel_peak_bytes.unwrap() > 20_000_000, "{totals:?}");
    assert_eq!(Some(totals.at), exit.finished_at);
}

#[tokio::test]
async fn lack_of_memory_is_told_from_other_kills() {
    let scene = Scene::new().await;
    let launch = scene.launch(|spec| {
        let script = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}";
        spec.command = ["sh", "-c", script].into_iter().collect();
        spec.memory = Some("32m".parse().unwrap());
    });
    let (_, exit) = scene.ran(&launch).await;
    assert!(exit.oom_killed, "{exit:?}");
}

/// However many there are at a time, each is heard of.
#[tokio::test(flavor = "multi_thread")]
async fn every_exit_and_every_removal_of_many_is_announced_once_it_happened() {
    use futures::StreamExt;
    let scene = Scene::new().await;
    let mut events = scene.executor.events(scene.pool).await.unwrap();
    let launches: Vec<_> = (0..8).map(|_| scene.script("exit 3")).collect();
    let lives = launches.iter().map(|launch| async {
        let (handle, exit) = scene.ran(launch).await;
        assert_eq!(exit.code, 3);
        let removed = scene.executor.remove(&handle, Force::Never).await;
        assert_eq!(removed.unwrap(), Removed::Gone);
    });
    futures::future::join_all(lives).await;
    let mut due: Vec<HostEvent> = launches
        .iter()
        .flat_map(|launch| {
            [
                HostEvent::Exited(launch.attempt),
                HostEvent::Removed(launch.attempt),
            ]
        })
        .collect();
    let hearing = async {
        while !due.is_empty() {
            let event = events.next().await.unwrap().unwrap();
            due.retain(|wanted| *wanted != event);
        }
    };
    tokio::time::timeout(PATIENCE, hearing).await.unwrap();
}

/// As the user and in the folder that the job names, with its variables and its files.
#[tokio::test]
async fn a_job_has_the_surroundings_that_it_asks_for() {
    let scene = Scene::new().await;
    let bound = scene.root.path().join("bound");
    std::fs::create_dir_all(&bound).unwrap();
    std::fs::write(bound.join("note"), "from outside\n").unwrap();
    let launch = scene.launch(|spec| {
        let script = "id -un; pwd; echo $GREETING; hostname; cat /in/note; echo x > /keep/x; \
            df /mem | tail -1 | awk '{print $1}'; touch /not 2>/dev/null || echo sealed";
        spec.command = ["sh", "-c", script].into_iter().collect();
        spec.user = Some("demo".parse().unwrap());
        spec.workdir = Some("/home/demo".to_owned());
        spec.env
            .insert("GREETING".parse().unwrap(), "hello".to_owned());
        spec.hostname = Some("box".parse().unwrap());
        spec.tmpfs = vec!["/mem:size=1m".parse().unwrap()];
        spec.read_only = true;
        spec.volumes = vec![format!("{}:/in:ro", bound.display()).parse().unwrap()];
    });
    let (handle, _) = scene.ran(&launch).await;
    let printed = scene.printed(&handle).await;
    assert_eq!(
        printed,
        "demo\n/home/demo\nhello\nbox\nfrom outside\ntmpfs\nsealed\n"
    );
}

/// Its content outlives containers.
#[tokio::test]
async fn a_named_volume_is_kept_from_one_container_to_the_next() {
    let scene = Scene::new().await;
    let launch = |script: &str| {
        scene.launch(|spec| {
            spec.command = ["sh", "-c", script].into_iter().collect();
            spec.volumes = vec!["kept-here:/v".parse().unwrap()];
        })
    };
    let (handle, _) = scene.ran(&launch("echo once > /v/file")).await;
    scene.executor.remove(&handle, Force::Never).await.unwrap();
    let (handle, _) = scene.ran(&launch("cat /v/file")).await;
    assert_eq!(scene.printed(&handle).await, "once\n");
    assert_eq!(scene.executor.resources(scene.pool).await.unwrap(), []);
}

/// The record of an end is brought to the disk, the last output is not waited for.
#[tokio::test]
async fn output_that_a_power_cut_took_is_told_at_the_end_of_the_log() {
    let scene = Scene::new().await;
    let (handle, _) = scene
        .ran(&scene.script("echo one; sleep 0.1; echo two"))
        .await;
    let containers = scene.root.path().join("containers");
    let folder = std::fs::read_dir(containers).unwrap().next().unwrap();
    let log = std::fs::File::options()
        .write(true)
        .open(folder.unwrap().path().join("log"))
        .unwrap();
    log.set_len(log.metadata().unwrap().len() - 1).unwrap();
    for range in [LogRange::All, LogRange::Follow] {
        let told = frames(&scene.executor, &handle, range).await;
        let texts: Vec<(Stream, &[u8])> = told
            .iter()
            .map(|frame| (frame.stream, &frame.bytes[..]))
            .collect();
        let note = b"4 bytes of output went down with the machine\n";
        assert_eq!(
            texts,
            [(Stream::Stdout, &b"one\n"[..]), (Stream::Note, &note[..])]
        );
    }
}
