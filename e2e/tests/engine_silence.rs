//! The engine loses replies, hangs, cuts its streams or cannot be reached: nothing is decided by
//! silence, nothing runs twice, and one sick container holds up no other.

use std::time::{Duration, Instant};

use longshore_e2e::drill::{Drill, is_final};
use longshore_testkit::{Fault, FaultProxy, Rule, shared_engine};
use serde_json::Value;

const ONCE: &str = "echo started >> /v/starts; echo did it; exit 3";

#[track_caller]
fn check_ran_once(drill: &Drill, id: &str) -> Value {
    let job = drill.until_gone(id);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    assert_eq!(drill.in_volume("starts"), "started");
    assert_eq!(drill.log(id), "did it\n");
    job
}

fn lost_reply_of(path: &str) {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    let lost = proxy.add(Rule::first(path, Fault::LoseReply).method("POST"));
    let id = drill.submit(&["-v", &volume], ONCE);
    check_ran_once(&drill, &id);
    assert_eq!(proxy.hits(lost), 1);
}

#[test]
fn a_lost_reply_of_create_makes_no_second_container() {
    lost_reply_of("/containers/create");
}

#[test]
fn a_lost_reply_of_start_runs_nothing_twice() {
    lost_reply_of("/start");
}

#[test]
fn a_lost_reply_of_stop_still_ends_in_cancelled() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let _worker = drill.worker();
    let id = drill.submit(&["--stop-timeout", "1"], "echo begun; sleep 300");
    drill.until_running(&id);
    let lost = proxy.add(Rule::first("/stop", Fault::LoseReply));
    drill.ok(&["cancel", &id]);
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "cancelled", "{job:#}");
    assert_eq!(proxy.hits(lost), 1);
}

#[test]
fn a_request_of_create_that_never_arrives_is_made_again() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    proxy.add(Rule::every("/containers/create", Fault::LoseRequest).times(2));
    let id = drill.submit(&["-v", &volume], ONCE);
    check_ran_once(&drill, &id);
}

#[test]
fn an_unreachable_host_is_unknown_and_its_job_goes_on() {
    let engine = shared_engine();
    let (drill, proxy) = Drill::through_proxy(&engine);
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    let script = "echo begun; until [ -e /v/go ]; do usleep 50000; done; echo done; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    drop(proxy);
    let job = drill.until("the host is unknown", &id, |job| {
        !job["attempts"][0]["unknown_since"].is_null()
    });
    assert_eq!(job["status"], "running", "{job:#}");
    let second = FaultProxy::start(&engine).unwrap();
    drill.lead_to(&second.socket());
    drill.until("the host is known again", &id, |job| {
        job["status"] == "running" && job["attempts"][0]["unknown_since"].is_null()
    });
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    engine.docker(go).unwrap();
    let job = drill.until_gone(&id);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempts"][0]["container"], container.as_str());
    assert_eq!(drill.log(&id), "begun\ndone\n");
    let events = drill.events(&id);
    assert!(
        events.contains(&"host_unreachable".to_owned()),
        "{events:?}"
    );
    assert!(events.contains(&"host_reachable".to_owned()), "{events:?}");
}

#[test]
fn a_job_that_ends_while_its_host_is_unreachable_has_its_own_exit_code_and_log() {
    let engine = shared_engine();
    let (drill, proxy) = Drill::through_proxy(&engine);
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    let id = drill.submit(
        &["-v", &volume],
        "echo begun; usleep 1500000; echo done; exit 3",
    );
    let container = drill.until_running(&id);
    drop(proxy);
    drill.until_container(&container, "exited");
    let second = FaultProxy::start(&engine).unwrap();
    drill.lead_to(&second.socket());
    let job = drill.until_gone(&id);
    assert_eq!(job["exit_code"], 3, "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    assert_eq!(drill.log(&id), "begun\ndone\n");
}

#[test]
fn a_hung_inspect_of_one_container_holds_up_no_other() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    let script = "echo begun; until [ -e /v/go ]; do usleep 50000; done";
    let sick = drill.submit(&["-v", &volume], script);
    let container = drill.until_running(&sick);
    let hung = proxy.add(Rule::every(
        &format!("/containers/{container}/json"),
        Fault::Hang,
    ));
    let touched = drill.submit(&["-v", &volume], "touch /v/go; exit 3");
    drill.until_hit(&proxy, hung);
    let others: Vec<String> = (0..5).map(|_| drill.submit(&[], "exit 3")).collect();
    for id in others.iter().chain([&touched]) {
        assert_eq!(drill.until_gone(id)["exit_code"], 3);
    }
    assert_eq!(drill.job(&sick)["status"], "running");
    // Hung requests hang on; only the end of the proxy ends them.
    drill.lead_to(drill.engine().socket());
    drop(proxy);
    let job = drill.until_gone(&sick);
    assert_eq!(job["status"], "completed", "{job:#}");
}

#[test]
fn an_exit_is_noticed_within_seconds_without_the_event_stream() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    // The head passes, so that the host counts as there; then the stream ends, for good.
    proxy.add(Rule::first("/events", Fault::CutAfter(400)));
    let deaf = proxy.add(Rule::every("/events", Fault::LoseRequest));
    let _worker = drill.worker();
    let volume = drill.volume_flag();
    let script = "echo begun; until [ -e /v/go ]; do usleep 50000; done; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    drill.until_running(&id);
    let other = drill.submit(&[], "true");
    drill.until_gone(&other);
    drill.until_hit(&proxy, deaf);
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill.engine().docker(go).unwrap();
    let told_to_end = Instant::now();
    let job = drill.until("the job is final", &id, is_final);
    let took = told_to_end.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(job["exit_code"], 3, "{job:#}");
}

#[test]
fn a_log_stream_that_is_cut_in_the_middle_is_whole_and_has_nothing_twice() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let _worker = drill.worker();
    let cuts: Vec<_> = [900, 3000, 7000]
        .map(|bytes| proxy.add(Rule::first("follow=true", Fault::CutAfter(bytes))))
        .into();
    let script = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; usleep 10000; done";
    let id = drill.submit(&[], script);
    let job = drill.until_gone(&id);
    assert_eq!(job["status"], "completed", "{job:#}");
    let lines: Vec<String> = (1..=200).map(|number| format!("line {number}\n")).collect();
    assert_eq!(drill.log(&id), lines.concat());
    assert!(
        cuts.iter().all(|cut| proxy.hits(*cut) == 1),
        "every cut happened"
    );
}

#[test]
fn a_removal_that_fails_for_ever_holds_neither_slot_nor_status_and_is_done_once_healed() {
    let engine = shared_engine();
    let (drill, proxy) = Drill::through_proxy(&engine);
    let socket = format!("unix://{}", drill.socket().display());
    drill.ok(&["hosts", "add", "only", &socket, "--slots", "1"]);
    let broken = Fault::Answer {
        status: 500,
        body: r#"{"message":"device or resource busy"}"#.to_owned(),
    };
    let refusal = proxy.add(Rule::every("/containers/", broken).method("DELETE"));
    let _worker = drill.worker();
    let first = drill.submit(&[], "exit 3");
    let second = drill.submit(&[], "exit 3");
    for id in [&first, &second] {
        let job = drill.until("the job is final", id, is_final);
        assert_eq!(job["exit_code"], 3, "{job:#}");
    }
    drill.until_hit(&proxy, refusal);
    assert_eq!(drill.containers(&first).len(), 1);
    assert_eq!(drill.job(&first)["attempts"][0]["removed_at"], Value::Null);
    proxy.clear();
    for id in [&first, &second] {
        drill.until_gone(id);
        assert_eq!(drill.containers(id), Vec::<String>::new());
    }
}
