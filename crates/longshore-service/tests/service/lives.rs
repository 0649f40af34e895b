//! Whole lives of jobs in our charge, with the troubles that the mock can make.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_core::attempt::Phase;
use longshore_core::event::EventKind;
use longshore_core::fault::Fault;
use longshore_core::log::Stream;
use longshore_core::outcome::Provenance;
use longshore_core::spec::{JobSpec, TimeLimit};
use longshore_executor::Force;
use longshore_executor::mock::{Behaviour, Call, Mischief, Restart};
use longshore_service::{LogWish, Tail, Why};
use longshore_testkit::eventually_async;

use crate::rig::{PATIENCE, Rig, is_connection, is_execution, text};

fn spec() -> JobSpec {
    JobSpec::new("busybox:1".parse().unwrap())
}

fn talker() -> Behaviour {
    Behaviour::exits(7)
        .runs_for(Duration::from_millis(60))
        .prints(Duration::ZERO, Stream::Stdout, "one\n  two\n\nthree\n")
        .prints(Duration::from_millis(5), Stream::Stderr, "no errors\n")
}

#[tokio::test]
async fn a_job_is_launched_waited_for_and_harvested() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(talker()).await;
    let job = rig.job(spec()).await;
    assert!(rig.service.launch_job(job).await.unwrap());
    let code = rig.service.wait_for_container(job, None).await;
    assert_eq!(code.unwrap(), Some(7));
    assert_eq!(rig.standing(job).await, "failed exit(7)");
    assert_eq!(mock.containers(), 1, "waiting does not remove");
    let attempt = rig.attempt(job).await;
    assert_eq!(attempt.phase, Phase::Ended);
    assert!(attempt.verdict.is_some() && attempt.log_complete_at.is_some());
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(mock.containers(), 0, "harvesting does");
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    let again = rig.service.wait_for_container(job, None).await;
    assert_eq!(again.unwrap(), Some(7));
    assert_eq!(
        rig.events(job).await,
        [
            EventKind::Submitted,
            EventKind::Claimed,
            EventKind::ImageReady,
            EventKind::Created,
            EventKind::Launching,
            EventKind::Started,
            EventKind::Exited,
            EventKind::LogComplete,
            EventKind::AttemptEnded,
            EventKind::Finished,
            EventKind::Removed
        ]
    );
}

#[tokio::test]
async fn the_output_of_a_job_keeps_its_streams_apart_and_its_indentation() {
    let rig = Rig::new().await;
    rig.mock(talker()).await;
    let job = rig.started(spec()).await;
    rig.service.wait_for_container(job, None).await.unwrap();
    let output = rig.service.output_of_job(job).await.unwrap();
    assert_eq!(output.clean_output, "one\n  two\n\nthree\n");
    assert!(output.stderr_log.ends_with("Z no errors\n"));
    assert!(!output.stdout_log.contains("errors"));
    assert_eq!(output.docker_log.lines().count(), 5);
    assert_eq!(output.duration.unwrap(), Duration::from_millis(60));
    assert!(output.parsed_output.is_some());
}

#[tokio::test]
async fn the_output_of_a_job_that_failed_says_why() {
    let rig = Rig::new().await;
    rig.mock(Behaviour::refuses_start(127, "no such program"))
        .await;
    let job = rig.job(spec()).await;
    assert!(!rig.service.launch_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed start(127)");
    let output = rig.service.output_of_job(job).await.unwrap();
    assert!(output.docker_log.starts_with("ERROR: "), "{output:?}");
    assert!(output.docker_log.contains("no such program"));
    assert_eq!(output.parsed_output, None);
    let unbegun = rig.job(spec()).await;
    let nothing = rig.service.output_of_job(unbegun).await.unwrap();
    assert_eq!(nothing.docker_log, "");
}

#[tokio::test]
async fn a_start_that_is_refused_leaves_no_container() {
    let rig = Rig::new().await;
    let (_, mock) = rig
        .mock(Behaviour::refuses_start(126, "not executable"))
        .await;
    let job = rig.created(spec()).await;
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed start(126)");
    assert!(rig.message(job).await.contains("not executable"));
    assert_eq!(mock.containers(), 0);
    assert!(rig.attempt(job).await.removed_at.is_some());
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_by_the_next_operation() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    mock.disturb(Call::Start, 3, Mischief::LoseReply(Fault::Unreachable));
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "launching");
    assert!(rig.message(job).await.contains("cannot connect"));
    let status = rig.service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "running");
    assert_eq!(rig.standing(job).await, "running");
    assert_eq!(rig.message(job).await, "");
    assert_eq!(mock.counts(rig.attempt(job).await.id).starts, 1);
}

#[tokio::test]
async fn a_start_that_never_came_can_be_asked_for_again() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    mock.disturb(Call::Start, 1, Mischief::Fail(Fault::TimedOut));
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "launching");
    assert!(rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "running");
}

#[tokio::test]
async fn a_start_that_fails_though_the_container_runs_is_a_start() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    mock.disturb(Call::Start, 1, Mischief::LoseReply(Fault::Internal));
    assert!(rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "running");
}

#[tokio::test]
async fn a_refused_start_and_then_silence_decide_nothing() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    mock.disturb(Call::Start, 1, Mischief::Fail(Fault::Internal));
    mock.disturb(Call::Observe, 1, Mischief::Fail(Fault::TimedOut));
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "launching");
    // Looked at again, it was not started: the refusal stands.
    mock.disturb(Call::Start, 1, Mischief::Fail(Fault::Internal));
    assert!(!rig.service.start_container(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed lost");
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_by_the_next_create() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.job(spec()).await;
    mock.disturb(Call::Create, 3, Mischief::LoseReply(Fault::Unreachable));
    is_connection(rig.create(job).await);
    assert_eq!(rig.standing(job).await, "pending");
    assert_eq!(rig.attempt(job).await.phase, Phase::Claimed);
    rig.create(job).await.unwrap();
    assert_eq!(rig.attempts(job).await.len(), 1);
    assert_eq!(mock.containers(), 1);
    assert_eq!(mock.counts(rig.attempt(job).await.id).creates, 1);
}

#[tokio::test]
async fn a_container_whose_creation_got_no_answer_is_found_by_every_operation() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    for operation in ["start", "status", "cancel", "remove"] {
        let job = rig.job(spec()).await;
        mock.disturb(Call::Create, 3, Mischief::LoseReply(Fault::Unreachable));
        is_connection(rig.create(job).await);
        let service = &rig.service;
        let (is_done, standing) = match operation {
            "start" => (service.start_container(job).await.unwrap(), "running"),
            "status" => {
                let status = service.check_container_status(job).await.unwrap();
                (status.word() == "created", "pending")
            }
            "cancel" => (service.cancel_job(job).await.unwrap(), "cancelled user"),
            _ => {
                let removed = service.remove_container(job, Force::Never).await;
                (removed.unwrap(), "pending")
            }
        };
        assert!(is_done, "{operation}");
        assert_eq!(rig.standing(job).await, standing, "{operation}");
    }
}

#[tokio::test]
async fn an_image_that_vanishes_before_the_create_is_brought_again() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    let image = spec().image;
    mock.tune(|knobs| knobs.image(&image).on_host = false);
    mock.disturb(Call::Create, 2, Mischief::Fail(Fault::ImageNotFound));
    rig.created(spec()).await;
    assert_eq!(mock.calls_made(Call::Create), 3);
    assert_eq!(rig.store.pulled_images(host.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_without_auto_pull_makes_a_missing_image_an_error() {
    let rig = Rig::new().await;
    let (mut host, mock) = rig.mock(Behaviour::forever()).await;
    host.auto_pull = false;
    rig.update(&mut host).await;
    mock.tune(|knobs| knobs.other_images.on_host = false);
    let job = rig.job(spec()).await;
    let error = is_execution(rig.create(job).await);
    assert_eq!(error.fault(), Some(Fault::ImageNotFound));
    let said = rig.message(job).await;
    assert!(said.contains("auto-pull is disabled"), "{said}");
    assert!(!rig.service.launch_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed image_not_found");
}

#[tokio::test]
async fn an_image_that_is_pulled_in_any_case_is_ours_only_if_it_was_not_there() {
    let rig = Rig::new().await;
    let (host, mock) = rig.mock(Behaviour::forever()).await;
    let always = JobSpec {
        pull: "always".parse().unwrap(),
        ..spec()
    };
    rig.created(always.clone()).await;
    assert_eq!(mock.pulls_begun(&always.image), 1);
    assert_eq!(rig.store.pulled_images(host.id).await.unwrap(), []);
}

#[tokio::test]
async fn launching_a_job_that_cannot_be_launched_fails_it() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let refused = rig.job(spec()).await;
    mock.disturb(Call::Create, 1, Mischief::Fail(Fault::Configuration));
    assert!(!rig.service.launch_job(refused).await.unwrap());
    assert_eq!(rig.standing(refused).await, "failed rejected");
    let unheard = rig.job(spec()).await;
    mock.cut();
    assert!(!rig.service.launch_job(unheard).await.unwrap());
    assert_eq!(rig.standing(unheard).await, "failed lost");
    assert!(rig.message(unheard).await.contains("cannot connect"));
    mock.heal();
    assert!(
        !rig.service.launch_job(unheard).await.unwrap(),
        "not pending"
    );
    assert!(rig.service.restart_job(unheard).await.unwrap());
    assert_eq!(rig.attempts(unheard).await.len(), 2);
}

#[tokio::test]
async fn launching_on_a_host_that_nobody_can_speak_to_fails_the_job() {
    let rig = Rig::new().await;
    rig.mute().await;
    let job = rig.job(spec()).await;
    assert!(!rig.service.launch_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed rejected");
    assert!(rig.attempt(job).await.removed_at.is_some());
}

#[tokio::test]
async fn a_failed_creation_whose_remains_cannot_be_looked_for_is_left_to_the_clean_up() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.job(spec()).await;
    mock.disturb(Call::Create, 1, Mischief::LoseReply(Fault::Configuration));
    mock.disturb(Call::Find, 1, Mischief::Fail(Fault::Internal));
    is_execution(rig.create(job).await);
    assert_eq!(mock.containers(), 1);
    assert_eq!(rig.attempt(job).await.removed_at, None);
    // What is looked for and found goes at once.
    mock.disturb(Call::Create, 1, Mischief::LoseReply(Fault::Configuration));
    is_execution(rig.create(job).await);
    assert_eq!(mock.containers(), 1);
    assert!(rig.attempt(job).await.removed_at.is_some());
    assert_eq!(rig.service.cleanup_old_containers(0).await.unwrap(), 1);
    assert_eq!(mock.containers(), 0);
}

#[tokio::test]
async fn a_cancelled_job_is_stopped_and_keeps_its_log() {
    let rig = Rig::new().await;
    let talks = Behaviour::forever().prints(Duration::ZERO, Stream::Stdout, "hello\n");
    let (_, mock) = rig.mock(talks).await;
    let job = rig.started(spec()).await;
    assert!(rig.service.cancel_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "cancelled user");
    assert_eq!(rig.read(job).await.exit_code, Some(143));
    assert_eq!(rig.log(job).await, "hello\n");
    assert_eq!(mock.containers(), 0);
    assert!(!rig.service.cancel_job(job).await.unwrap(), "too late");
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_leaves_the_end_as_it_was() {
    let rig = Rig::new().await;
    rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    assert!(!rig.service.cancel_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "completed");
}

#[tokio::test]
async fn a_cancel_on_a_silent_host_decides_nothing() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    mock.cut();
    is_connection(rig.service.cancel_job(job).await);
    mock.heal();
    assert_eq!(rig.standing(job).await, "running");
    assert_eq!(mock.running(), 1);
}

#[tokio::test]
async fn what_never_ran_or_is_gone_is_cancelled_without_a_log() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let unbegun = rig.job(spec()).await;
    let created = rig.created(spec()).await;
    let gone = rig.started(spec()).await;
    mock.vanish(rig.attempt(gone).await.id);
    for job in [unbegun, created, gone] {
        assert!(rig.service.cancel_job(job).await.unwrap());
        assert_eq!(rig.standing(job).await, "cancelled user");
    }
    assert_eq!(mock.containers(), 0);
}

#[tokio::test]
async fn a_running_job_is_restarted_in_an_attempt_of_its_own() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    assert!(rig.service.restart_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "running");
    assert_eq!(rig.attempts(job).await.len(), 2);
    assert_eq!((mock.running(), mock.containers()), (1, 1));
    let pending = rig.created(spec()).await;
    assert!(rig.service.restart_job(pending).await.unwrap());
    assert_eq!(rig.attempts(pending).await.len(), 1, "it had not run yet");
}

#[tokio::test]
async fn the_caller_s_limit_leaves_the_container_alone() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    let limit = Some(Duration::from_millis(400));
    let error = is_execution(rig.service.wait_for_container(job, limit).await);
    assert!(matches!(error.why(), Some(Why::StillRunning(_))), "{error}");
    assert_eq!(rig.standing(job).await, "running");
    assert_eq!(mock.running(), 1);
    // What was measured meanwhile is kept.
    let usage = rig.attempt(job).await.usage.unwrap();
    assert!(usage.samples > 0 && usage.peak_memory_bytes == 16 << 20);
}

#[tokio::test]
async fn the_job_s_own_run_limit_stops_the_container() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let mut spec = spec();
    spec.timeouts.run = Some(TimeLimit::from_secs(1));
    let job = rig.started(spec).await;
    let code = rig.service.wait_for_container(job, None).await;
    assert_eq!(code.unwrap(), Some(143));
    assert_eq!(rig.standing(job).await, "timeout run");
    assert_eq!(mock.running(), 0);
    assert!(rig.events(job).await.contains(&EventKind::Stopping));
}

#[tokio::test]
async fn waiting_for_what_was_not_started_is_an_error_and_for_what_is_gone_is_none() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let created = rig.created(spec()).await;
    let error = is_execution(rig.service.wait_for_container(created, None).await);
    assert!(matches!(error.why(), Some(Why::NotStarted)), "{error}");
    mock.vanish(rig.attempt(created).await.id);
    let waited = rig.service.wait_for_container(created, None).await;
    assert_eq!(waited.unwrap(), None);
    assert_eq!(rig.standing(created).await, "failed lost");
}

#[tokio::test]
async fn a_container_that_vanishes_while_it_is_waited_for_is_lost() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    let attempt = rig.attempt(job).await.id;
    let waits = rig.service.wait_for_container(job, None);
    let vanishes = async {
        eventually_async("somebody waits", PATIENCE, || async {
            mock.calls_made(Call::Events) > 0
        })
        .await;
        mock.vanish(attempt);
    };
    let (waited, ()) = tokio::join!(waits, vanishes);
    assert_eq!(waited.unwrap(), None);
    assert_eq!(rig.standing(job).await, "failed lost");
    assert!(rig.log(job).await.contains("the output was lost"));
}

#[tokio::test]
async fn a_host_that_falls_silent_ends_the_wait_and_decides_nothing() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    let waits = rig.service.wait_for_container(job, None);
    let falls_silent = async {
        eventually_async("somebody waits", PATIENCE, || async {
            mock.calls_made(Call::Events) > 0
        })
        .await;
        mock.cut();
    };
    let (waited, ()) = tokio::join!(waits, falls_silent);
    is_connection(waited);
    assert_eq!(rig.standing(job).await, "running");
    mock.heal();
    let stopped = rig.service.stop_container(job, Duration::ZERO).await;
    assert!(stopped.unwrap());
    let waited = rig.service.wait_for_container(job, None).await;
    assert_eq!(waited.unwrap(), Some(143));
}

#[tokio::test]
async fn an_end_that_is_heard_of_is_known_by_its_event() {
    let rig = Rig::new().await;
    rig.mock(Behaviour::exits(0).runs_for(Duration::from_millis(300)))
        .await;
    let job = rig.started(spec()).await;
    rig.service.wait_for_container(job, None).await.unwrap();
    let verdict = rig.attempt(job).await.verdict.unwrap();
    assert_eq!(verdict.provenance, Provenance::Event);
    let other = rig.started(spec()).await;
    eventually_async("it ended", PATIENCE, || async {
        rig.service.harvest_completed_job(other).await.unwrap()
    })
    .await;
    let verdict = rig.attempt(other).await.verdict.unwrap();
    assert_eq!(verdict.provenance, Provenance::Inspect);
}

#[tokio::test]
async fn an_end_that_only_a_restarted_engine_tells_of_is_lost() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    mock.restart_engine(Restart::Crash);
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed lost");
}

#[tokio::test]
async fn two_waits_for_one_container_give_one_end() {
    let rig = Rig::new().await;
    rig.mock(Behaviour::exits(4).runs_for(Duration::from_millis(300)))
        .await;
    let job = rig.started(spec()).await;
    let service = &rig.service;
    let (one, other) = tokio::join!(
        service.wait_for_container(job, None),
        service.wait_for_container(job, None)
    );
    assert_eq!((one.unwrap(), other.unwrap()), (Some(4), Some(4)));
    let ends = rig.events(job).await;
    let ends = ends.iter().filter(|kind| **kind == EventKind::Finished);
    assert_eq!(ends.count(), 1);
}

#[tokio::test]
async fn a_wait_that_is_dropped_is_taken_up_again_without_loss() {
    let rig = Rig::new().await;
    let talks = talker().runs_for(Duration::from_millis(700));
    rig.mock(talks).await;
    let job = rig.started(spec()).await;
    let waits = rig.service.wait_for_container(job, None);
    let dropped = tokio::time::timeout(Duration::from_millis(200), waits).await;
    assert!(dropped.is_err());
    tokio::time::timeout(PATIENCE, rig.service.settled())
        .await
        .unwrap();
    let code = rig.service.wait_for_container(job, None).await;
    assert_eq!(code.unwrap(), Some(7));
    assert_eq!(rig.log(job).await, "one\n  two\n\nthree\nno errors\n");
}

#[tokio::test]
async fn harvesting_leaves_what_runs_and_what_was_not_started_alone() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let unbegun = rig.job(spec()).await;
    let created = rig.created(spec()).await;
    let running = rig.started(spec()).await;
    for (job, standing) in [
        (unbegun, "pending"),
        (created, "pending"),
        (running, "running"),
    ] {
        assert!(!rig.service.harvest_completed_job(job).await.unwrap());
        assert_eq!(rig.standing(job).await, standing);
    }
    assert_eq!((mock.running(), mock.containers()), (1, 2));
}

#[tokio::test]
async fn a_harvest_whose_log_cannot_be_read_is_finished_by_the_next() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(talker().runs_for(Duration::ZERO)).await;
    let job = rig.started(spec()).await;
    mock.disturb(Call::Logs, 1, Mischief::Fail(Fault::TimedOut));
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.attempt(job).await.phase, Phase::Draining);
    mock.disturb(Call::Logs, 1, Mischief::Fail(Fault::Unreachable));
    assert!(rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed exit(7)");
}

#[tokio::test]
async fn a_container_that_is_gone_before_its_log_was_read_keeps_its_verdict() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::exits(3)).await;
    let job = rig.started(spec()).await;
    mock.disturb(Call::Logs, 1, Mischief::Fail(Fault::TimedOut));
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    mock.vanish(rig.attempt(job).await.id);
    assert!(!rig.service.harvest_completed_job(job).await.unwrap());
    assert_eq!(rig.standing(job).await, "failed exit(3)");
    assert!(rig.log(job).await.contains("output was lost"));
}

#[tokio::test]
async fn a_running_container_is_removed_by_force_alone_and_then_cancelled() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever().ignores_term()).await;
    let job = rig.started(spec()).await;
    let remove = |force| rig.service.remove_container(job, force);
    assert!(!remove(Force::Never).await.unwrap());
    assert_eq!(rig.standing(job).await, "running");
    assert!(remove(Force::Kill).await.unwrap());
    assert_eq!(rig.standing(job).await, "cancelled user");
    assert_eq!(mock.containers(), 0);
    assert!(!remove(Force::Kill).await.unwrap(), "gone");
}

#[tokio::test]
async fn removing_what_never_ran_leaves_the_job_pending() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.created(spec()).await;
    assert!(
        rig.service
            .remove_container(job, Force::Never)
            .await
            .unwrap()
    );
    assert_eq!(mock.containers(), 0);
    assert_eq!(rig.standing(job).await, "pending");
    let status = rig.service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "no-container");
    is_execution(rig.service.start_container(job).await);
    assert!(rig.service.launch_job(job).await.unwrap());
    assert_eq!(rig.attempts(job).await.len(), 2);
    // The same when somebody else was faster.
    let other = rig.created(spec()).await;
    mock.vanish(rig.attempt(other).await.id);
    assert!(
        !rig.service
            .remove_container(other, Force::Never)
            .await
            .unwrap()
    );
    assert_eq!(rig.standing(other).await, "pending");
}

#[tokio::test]
async fn a_slow_removal_is_waited_for() {
    let rig = Rig::keeping().await;
    let (_, mock) = rig.mock(Behaviour::exits(0)).await;
    mock.tune(|knobs| knobs.removal_time = Duration::from_millis(500));
    let job = rig.started(spec()).await;
    assert!(
        rig.service
            .remove_container(job, Force::Never)
            .await
            .unwrap()
    );
    assert!(rig.attempt(job).await.removed_at.is_some());
    assert_eq!(mock.containers(), 0);
}

#[tokio::test]
async fn a_followed_log_goes_on_where_it_broke_and_ends_with_its_container() {
    let rig = Rig::new().await;
    let talks = talker().runs_for(Duration::from_millis(900)).prints(
        Duration::from_millis(600),
        Stream::Stdout,
        "late\n",
    );
    let (_, mock) = rig.mock(talks).await;
    let job = rig.started(spec()).await;
    let wish = LogWish {
        follow: true,
        tail: Tail::Last(2),
    };
    eventually_async("it has printed", PATIENCE, || async {
        rig.log(job).await.ends_with("no errors\n")
    })
    .await;
    let read = mock.calls_made(Call::Logs);
    let breaks = async {
        eventually_async("the log is followed", PATIENCE, || async {
            mock.calls_made(Call::Logs) >= read + 2
        })
        .await;
        mock.restart_engine(Restart::LiveRestore);
    };
    let (frames, ()) = tokio::join!(rig.frames(job, wish), breaks);
    let said = text(&frames.unwrap());
    assert_eq!(said, "three\nno errors\nlate\n");
}

#[tokio::test]
async fn a_log_is_read_from_the_engine_first_and_from_the_store_later() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(talker().runs_for(Duration::from_millis(50))).await;
    let unbegun = rig.job(spec()).await;
    assert_eq!(rig.log(unbegun).await, "");
    let job = rig.started(spec()).await;
    let last = LogWish {
        follow: false,
        tail: Tail::Last(1),
    };
    eventually_async("it has printed", PATIENCE, || async {
        text(&rig.frames(job, last).await.unwrap()) == "no errors\n"
    })
    .await;
    mock.disturb(Call::Logs, 1, Mischief::Fail(Fault::Internal));
    is_execution(rig.frames(job, last).await);
    mock.disturb(Call::Observe, 3, Mischief::Fail(Fault::Unreachable));
    is_connection(rig.frames(job, last).await);
    rig.service.wait_for_container(job, None).await.unwrap();
    mock.cut();
    assert_eq!(text(&rig.frames(job, last).await.unwrap()), "no errors\n");
    assert_eq!(rig.log(job).await, "one\n  two\n\nthree\nno errors\n");
}

#[tokio::test]
async fn jobs_of_workers_are_shown_and_never_touched() {
    let rig = Rig::new().await;
    let (host, _) = rig.mock(Behaviour::forever()).await;
    let job = rig.job_of_workers(spec()).await;
    let service = &rig.service;
    let refused = [
        rig.create(job).await.map(drop),
        service.start_container(job).await.map(drop),
        service.stop_container(job, Duration::ZERO).await.map(drop),
        service.remove_container(job, Force::Kill).await.map(drop),
        service.wait_for_container(job, None).await.map(drop),
        service.launch_job(job).await.map(drop),
        service.harvest_completed_job(job).await.map(drop),
        service.cancel_job(job).await.map(drop),
        service.restart_job(job).await.map(drop),
    ];
    for answer in refused {
        let error = is_execution(answer);
        assert!(matches!(error.why(), Some(Why::OfEngine)), "{error}");
        assert_eq!(error.fault(), None);
    }
    let status = service.check_container_status(job).await.unwrap();
    assert_eq!(status.word(), "no-container");
    assert_eq!(rig.log(job).await, "");
    assert_eq!(service.get_container_stats(job).await.unwrap(), None);
    assert_eq!(rig.standing(job).await, "queued");
    assert_eq!(rig.store.host(host.id).await.unwrap(), host);
}

#[tokio::test]
async fn a_job_that_is_over_is_neither_created_nor_started_again() {
    let rig = Rig::new().await;
    rig.mock(Behaviour::exits(0)).await;
    let job = rig.started(spec()).await;
    rig.service.wait_for_container(job, None).await.unwrap();
    for error in [
        is_execution(rig.create(job).await.map(drop)),
        is_execution(rig.service.start_container(job).await.map(drop)),
    ] {
        assert!(matches!(error.why(), Some(Why::Status(_))), "{error}");
    }
    assert_eq!(rig.standing(job).await, "completed");
}

#[tokio::test]
async fn a_changed_host_gets_a_new_executor() {
    let rig = Rig::new().await;
    let (mut host, _) = rig.mock(Behaviour::forever()).await;
    assert!(rig.service.health_check(&host).await);
    assert!(rig.service.health_check(&host).await);
    assert_eq!(rig.opened(&host), 1);
    rig.update(&mut host).await;
    assert!(rig.service.health_check(&host).await);
    assert_eq!(rig.opened(&host), 2);
}

#[tokio::test]
async fn counters_that_cannot_be_read_are_none_unless_the_host_is_silent() {
    let rig = Rig::new().await;
    let (_, mock) = rig.mock(Behaviour::forever()).await;
    let job = rig.started(spec()).await;
    mock.disturb(Call::Inventory, 1, Mischief::Fail(Fault::Internal));
    let service = &rig.service;
    assert_eq!(service.get_container_stats(job).await.unwrap(), None);
    mock.disturb(Call::Inventory, 1, Mischief::Fail(Fault::TimedOut));
    is_connection(service.get_container_stats(job).await);
    let read = service.get_container_stats(job).await.unwrap();
    assert!(read.is_some());
}

#[tokio::test]
async fn no_host_is_no_place_for_a_job() {
    let rig = Rig::new().await;
    let job = rig.job(spec()).await;
    let error = is_execution(rig.service.launch_job(job).await);
    assert!(matches!(error.why(), Some(Why::NoHost(_))), "{error}");
    assert_eq!(rig.standing(job).await, "pending");
    let elsewhere = rig
        .job(JobSpec {
            host: Some("elsewhere".into()),
            ..spec()
        })
        .await;
    let more = BTreeMap::new();
    let error = is_execution(rig.service.create_container(elsewhere, &more).await);
    let said = longshore_core::with_causes(&error);
    assert!(said.contains("there is no host `elsewhere`"), "{said}");
}
