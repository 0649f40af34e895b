//! Nothing that is not ours is ever removed, whatever it is called; what is ours and over is.

use longshore_e2e::by_hand::ByHand;
use longshore_e2e::drill::Drill;
use longshore_testkit::{Fault, Rule, shared_engine, unique_name};
use serde_json::Value;

/// The pool's id, as it stands on a container.
fn pool_of(drill: &Drill, container: &str) -> String {
    let field = r#"{{index .Config.Labels "io.longshore.pool"}}"#;
    drill
        .container(container, field)
        .expect("the container is there")
}

fn fates(drill: &Drill, how: &str) -> Vec<(String, String)> {
    let text = drill.ok(&["--json", "cleanup", how]);
    let found: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let word = |found: &Value, key: &str| found[key].as_str().unwrap_or_default().to_owned();
    found
        .iter()
        .map(|found| (word(found, "what"), word(found, "fate")))
        .collect()
}

#[test]
fn containers_made_by_hand_and_those_of_another_pool_are_untouched() {
    let engine = shared_engine();
    let (ours, theirs) = (Drill::on(&engine), Drill::on(&engine));
    let other_pool = "io.longshore.pool=01a205fd-0000-7000-8000-00000000beef";
    let stale = "io.longshore.attempt=01a205fd-0000-7000-8000-00000000dead";
    let by_hand = [
        ByHand::new(&engine, unique_name("by-hand"), &[]),
        ByHand::new(&engine, unique_name("longshore-by-hand"), &[]),
        ByHand::new(
            &engine,
            format!(
                "longshore-01a205fd-0000-7000-8000-{:012x}",
                std::process::id()
            ),
            &["--label", other_pool, "--label", stale],
        ),
        ByHand::new(&engine, unique_name("labelled"), &["--label", stale]),
        ByHand::new(
            &engine,
            unique_name("no-value"),
            &["--label", "io.longshore.pool"],
        ),
    ];
    let _their_worker = theirs.worker();
    let their_job = theirs.submit(&[], "echo begun; sleep 120");
    let their_container = theirs.until_running(&their_job);
    let done = ours.run(&[], "exit 3");
    assert_eq!(done.code, 3, "{done:#?}");
    assert_eq!(fates(&ours, "--plan"), []);
    assert_eq!(fates(&ours, "--apply"), []);
    let _our_worker = ours.worker();
    let ours_again = ours.submit(&[], "exit 3");
    ours.until_gone(&ours_again);
    assert!(by_hand.iter().all(ByHand::is_there));
    let status = theirs.container(&their_container, "{{.State.Status}}");
    assert_eq!(status.as_deref(), Some("running"));
    theirs.ok(&["cancel", &their_job]);
    theirs.until_gone(&their_job);
}

#[test]
fn a_plan_names_what_it_would_remove_and_changes_nothing() {
    let (drill, proxy) = Drill::through_proxy(&shared_engine());
    let removal = proxy.add(Rule::every("/containers/", Fault::Hang).method("DELETE"));
    let worker = drill.worker();
    let id = drill.submit(&[], "exit 3");
    drill.until_hit(&proxy, removal);
    let running = drill.submit(&[], "echo begun; sleep 120");
    drill.until_running(&running);
    worker.kill9();
    proxy.clear();
    let name = |id: &str| {
        let job = drill.job(id);
        let name = job["attempts"][0]["container_name"].as_str();
        format!("container {}", name.unwrap_or_default())
    };
    let mut planned = fates(&drill, "--plan");
    planned.sort();
    let mut wanted = vec![
        (name(&id), "would_remove".to_owned()),
        (name(&running), "kept".to_owned()),
    ];
    wanted.sort();
    assert_eq!(planned, wanted);
    assert_eq!(drill.containers(&id).len(), 1, "a plan removes nothing");
    let applied = fates(&drill, "--apply");
    assert!(
        applied.contains(&(name(&id), "removed".to_owned())),
        "{applied:?}"
    );
    assert_eq!(drill.containers(&id).len(), 0);
    assert_eq!(drill.containers(&running).len(), 1, "what runs stays");
    drill.ok(&["cancel", &running]);
    let _second = drill.worker();
    drill.until_gone(&running);
    drill.until_gone(&id);
}

#[test]
fn a_stray_of_a_final_job_is_removed_and_a_young_unknown_one_is_left() {
    let engine = shared_engine();
    let drill = Drill::on(&engine);
    let _worker = drill.worker();
    let probe = drill.submit(&[], "echo begun; sleep 120");
    let pool = pool_of(&drill, &drill.until_running(&probe));
    drill.ok(&["cancel", &probe]);
    let job = drill.until_gone(&probe);
    let attempt = job["attempts"][0]["id"].as_str().unwrap();
    let labels = |attempt: &str| {
        [
            format!("io.longshore.pool={pool}"),
            format!("io.longshore.job={probe}"),
            format!("io.longshore.attempt={attempt}"),
        ]
    };
    let make = |name: String, attempt: &str| {
        let labels = labels(attempt);
        let flags = [
            "--label", &labels[0], "--label", &labels[1], "--label", &labels[2],
        ];
        ByHand::new(&engine, name, &flags)
    };
    let stray = make(format!("longshore-{attempt}"), attempt);
    let unknown_attempt = "01a205fd-0000-7000-8000-00000000cafe";
    let unknown = make(unique_name("longshore-unknown"), unknown_attempt);
    let found = fates(&drill, "--apply");
    assert!(!stray.is_there(), "{found:?}");
    assert!(unknown.is_there(), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn cleanup_of_a_host_that_is_down_says_so_and_ends_with_1() {
    let drill = Drill::on(&shared_engine());
    drill.run(&[], "exit 0");
    drill.lead_to(&drill.folder().join("nothing"));
    let done = drill.call(&["cleanup", "--plan"]);
    assert_eq!(done.code, 1, "{done:#?}");
    assert!(done.stderr.contains("cannot"), "{done:#?}");
    drill.lead_to(drill.engine().socket());
}
