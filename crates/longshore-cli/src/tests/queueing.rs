//! Owners, limits, paused queues, dependencies, arrays and dead jobs, as they are typed.

use longshore_core::job::AttemptRecord;
use longshore_core::outcome::JobStatus;
use serde_json::Value;

use super::stage::{Played, Stage};

/// With a host, for jobs that nobody moves.
async fn stage() -> Stage {
    let stage = Stage::new();
    done(&stage, "hosts add b1 unix:///b1.sock --slots 4").await;
    stage
}

async fn typed(stage: &Stage, line: &str) -> Played {
    let words: Vec<&str> = line.split(' ').collect();
    stage.type_in(&words).await
}

/// What a command line prints that succeeds.
async fn done(stage: &Stage, line: &str) -> String {
    let played = typed(stage, line).await;
    assert_eq!(played.code, 0, "{line}\n{}", played.err);
    played.out.trim().to_owned()
}

/// What a command line is refused with.
async fn refused(stage: &Stage, line: &str) -> String {
    let played = typed(stage, line).await;
    assert_ne!(played.code, 0, "{line}\n{}", played.out);
    format!("{}{}", played.out, played.err)
}

async fn json(stage: &Stage, line: &str) -> Value {
    let text = done(stage, &format!("--json {line}")).await;
    serde_json::from_str(&text).unwrap()
}

/// A job that runs as long as the test.
pub(super) async fn claim(stage: &Stage, job: &str) -> AttemptRecord {
    let store = stage.store().await;
    let (job, host) = (job.parse().unwrap(), store.hosts().await.unwrap()[0].id);
    let claim = longshore_store::Claim {
        job,
        attempt: longshore_core::AttemptId::new(uuid::Uuid::now_v7()),
        after: 0,
        host,
        share: longshore_core::share::Share::NOTHING,
        most: longshore_core::share::Share::ENDLESS,
        why: String::new(),
    };
    let worker = longshore_core::WorkerId::new(uuid::Uuid::now_v7());
    let now = longshore_core::Timestamp::now();
    let mut made = store.claim(&[claim], worker, now, now).await.unwrap();
    made.pop()
        .expect("the job is queued and the host has a slot")
}

#[tokio::test]
async fn an_owner_comes_from_the_flag_or_the_surroundings() {
    let mut stage = stage().await;
    let variables = &mut stage.variables;
    variables.insert("LONGSHORE_OWNER".into(), "alice".into());
    done(&stage, "submit demo").await;
    done(
        &stage,
        "submit --owner bob --queue nightly --limit gpu=2 demo",
    )
    .await;
    let jobs = json(&stage, "jobs").await;
    assert_eq!(
        (&jobs[1]["owner"], &jobs[1]["queue"]),
        (&"alice".into(), &"default".into())
    );
    assert_eq!(
        (&jobs[0]["owner"], &jobs[0]["queue"]),
        (&"bob".into(), &"nightly".into())
    );
    assert_eq!(jobs[0]["limits"]["gpu"], 2);
    for (flags, count) in [
        ("--owner bob", 1),
        ("--queue default", 1),
        ("--queue bob", 0),
    ] {
        let listed = json(&stage, &format!("jobs {flags}")).await;
        assert_eq!(listed.as_array().unwrap().len(), count, "{flags}");
    }
}

#[tokio::test]
async fn what_is_no_owner_queue_limit_array_or_dependency_is_refused_with_what_to_type() {
    let stage = stage().await;
    for (flags, advice) in [
        (
            "--owner a/b",
            "--owner: invalid owner `a/b`: use up to 100 letters",
        ),
        ("--queue a,b", "--queue: invalid queue name `a,b`"),
        (
            "--limit gpu",
            "--limit: invalid limit ``: use a whole number",
        ),
        ("--limit gpu=0", "such as --limit gpu=3"),
        (
            "--array 3-1",
            "--array: invalid array `3-1`: use indexes such as 0-99",
        ),
        ("--after nobody", "--after: no job `nobody`"),
        (
            "--after nobody:finished",
            "JOB:succeeded, JOB:finished, JOB:failed",
        ),
    ] {
        let said = refused(&stage, &format!("submit {flags} demo")).await;
        assert!(said.contains(advice), "{flags}\n{said}");
    }
    let said = refused(&stage, "run --array 0-3 demo").await;
    assert!(said.contains("run takes one"), "{said}");
}

#[tokio::test]
async fn a_paused_queue_says_so_wherever_somebody_asks() {
    let stage = Stage::new();
    done(&stage, "submit --queue nightly demo").await;
    done(&stage, "queue pause nightly --reason repairs").await;
    let listed = done(&stage, "queue").await;
    assert!(
        listed.contains("paused") && listed.contains("repairs"),
        "{listed}"
    );
    let said = done(&stage, "explain -").await;
    assert!(said.contains("queue nightly is paused since"), "{said}");
    assert!(
        said.contains("fix: `longshore queue resume nightly`"),
        "{said}"
    );
    let queues = json(&stage, "queue ls").await;
    assert_eq!(
        (&queues[1]["waiting"], &queues[1]["pause_reason"]),
        (&1.into(), &"repairs".into())
    );
    done(&stage, "queue resume nightly").await;
    let said = refused(&stage, "queue resume nightly").await;
    assert!(said.contains("is not paused"), "{said}");
    done(&stage, "worker --exit-when-empty").await;
    assert_eq!(stage.newest().await.status, JobStatus::Completed);
}

#[tokio::test]
async fn a_full_limit_names_who_holds_it() {
    let stage = stage().await;
    let holder = done(&stage, "submit --name trainer --limit gpu=1 demo").await;
    claim(&stage, &holder).await;
    done(&stage, "submit --limit gpu=1 demo").await;
    let said = done(&stage, "explain -").await;
    assert!(
        said.contains("limit gpu=1 is full: 1 of this key"),
        "{said}"
    );
    assert!(said.contains("trainer"), "{said}");
}

#[tokio::test]
async fn an_owner_with_many_slots_is_told_whose_turn_it_is() {
    let stage = stage().await;
    let held = done(&stage, "submit --owner alice demo").await;
    claim(&stage, &held).await;
    done(&stage, "submit --owner bob demo").await;
    done(&stage, "submit --owner alice demo").await;
    let said = done(&stage, "explain -").await;
    assert!(said.contains("owner alice holds 1 slots"), "{said}");
    assert!(said.contains("that of owner bob"), "{said}");
    assert!(said.contains("1 job ahead"), "{said}");
}

#[tokio::test]
async fn a_file_is_a_chain_of_jobs_by_their_names() {
    let stage = Stage::new();
    stage.write(
        "chain.toml",
        "[[job]]\nname = \"fetch\"\nimage = \"demo\"\n\
         [[job]]\nname = \"build\"\nimage = \"demo\"\ncommand = \"exit=3\"\nafter = [\"fetch\"]\n\
         [[job]]\nname = \"report\"\nimage = \"demo\"\nafter = [\"build\"]\n\
         [[job]]\nname = \"clean\"\nimage = \"demo\"\nafter = [\"build:finished\", \"fetch\"]\n",
    );
    done(&stage, "submit -f chain.toml").await;
    let said = done(&stage, "explain report").await;
    assert!(
        said.contains("it waits for job ") && said.contains(" build, which is pending to succeed"),
        "{said}"
    );
    done(&stage, "worker --exit-when-empty").await;
    let jobs = json(&stage, "jobs").await;
    let reasons: Vec<_> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            (
                job["name"].as_str().unwrap(),
                job["status"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("clean", "completed"),
        ("report", "failed"),
        ("build", "failed"),
        ("fetch", "completed"),
    ];
    assert_eq!(reasons, expected);
    let said = done(&stage, "explain report").await;
    assert!(said.contains("it waits in vain for job"), "{said}");
    let inspected = json(&stage, "inspect report").await;
    assert_eq!(inspected[0]["waits"][0]["standing"], "broken");
    let said = refused(&stage, "retry report").await;
    assert!(said.contains("waits for job"), "{said}");
    done(&stage, "retry build").await;
    let report = json(&stage, "jobs --name report").await;
    assert_eq!(report[0]["status"], "pending");
}

#[tokio::test]
async fn a_file_names_earlier_jobs_alone() {
    let stage = stage().await;
    stage.write(
        "round.toml",
        "[[job]]\nname = \"a\"\nimage = \"demo\"\nafter = [\"b\"]\n\
         [[job]]\nname = \"b\"\nimage = \"demo\"\nafter = [\"a\"]\n",
    );
    let said = refused(&stage, "submit -f round.toml").await;
    assert!(said.contains("round.toml:4: no job `b`"), "{said}");
    assert_eq!(done(&stage, "jobs -q").await, "");
}

#[tokio::test]
async fn an_array_is_one_thing_to_submit_list_wait_for_and_cancel() {
    let stage = Stage::new();
    let array = done(&stage, "submit --name sweep --array 0-4:2%2 demo").await;
    assert_eq!(array.lines().count(), 1, "{array}");
    for text in ["sweep", &array] {
        let jobs = json(&stage, &format!("jobs --array {text}")).await;
        let names: Vec<_> = jobs
            .as_array()
            .unwrap()
            .iter()
            .map(|job| &job["name"])
            .collect();
        assert_eq!(names, ["sweep-4", "sweep-2", "sweep-0"]);
        assert_eq!(jobs[0]["array"]["index"], 4);
    }
    let inspected = json(&stage, "inspect sweep-4").await;
    assert_eq!(inspected[0]["spec"]["env"]["LONGSHORE_ARRAY_INDEX"], "***");
    done(&stage, "submit --name last --after sweep demo").await;
    let said = done(&stage, "explain last").await;
    assert!(said.contains("it waits for array"), "{said}");
    done(&stage, "worker --exit-when-empty").await;
    assert_eq!(done(&stage, "wait sweep last").await.lines().count(), 4);
    done(&stage, "submit --name other --array 1,2 --delay 1h demo").await;
    assert_eq!(done(&stage, "cancel other").await.lines().count(), 2);
    let said = refused(&stage, "logs other").await;
    assert!(said.contains("`other` is an array"), "{said}");
}

#[tokio::test]
async fn dead_jobs_are_listed_with_what_ended_them_and_retried_at_once() {
    let stage = Stage::new();
    for line in [
        "submit --name bad --owner alice demo exit=3",
        "submit --name worse --owner bob demo exit=4",
        "submit --name good demo",
    ] {
        done(&stage, line).await;
    }
    done(&stage, "worker --exit-when-empty").await;
    let played = typed(&stage, "jobs --dead").await;
    for part in ["bad", "failed exit(3)", "worse", "0 of 0"] {
        assert!(played.out.contains(part), "{part}\n{}", played.out);
    }
    assert!(!played.out.contains("good"), "{}", played.out);
    assert!(
        played.err.contains("longshore retry --dead"),
        "{}",
        played.err
    );
    let retried = done(&stage, "retry --dead --owner alice").await;
    assert_eq!(retried.lines().count(), 1);
    assert_eq!(done(&stage, "jobs --dead -q").await.lines().count(), 1);
}
