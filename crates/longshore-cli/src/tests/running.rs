//! `run`: streams, exit codes, Ctrl-C.

use longshore_core::outcome::JobStatus;

use super::stage::Stage;

#[tokio::test]
async fn output_and_exit_code_are_the_containers_own() {
    let stage = Stage::new();
    let played = stage
        .type_in(&["run", "--rm", "demo", "out=hello", "err=oh", "exit=7"])
        .await;
    assert_eq!(
        (played.code, played.out.as_str(), played.err.as_str()),
        (7, "hello\n", "oh\n")
    );
}

#[tokio::test]
async fn what_fails_before_the_container_runs_is_125_and_explained() {
    let stage = Stage::new();
    let played = stage.type_in(&["run", "demo", "refuse"]).await;
    assert_eq!(played.code, 125);
    assert_eq!(played.out, "");
    for part in [
        "failed image_not_found",
        "no such image here",
        "longshore events",
    ] {
        assert!(played.err.contains(part), "{}", played.err);
    }
}

#[tokio::test]
async fn wrong_flags_are_125_and_nothing_is_stored() {
    let stage = Stage::new();
    let played = stage
        .type_in(&["run", "--memory", "3x", "--cpus", "-1", "demo"])
        .await;
    assert_eq!(played.code, 125);
    assert!(
        played.err.contains("--memory: ") && played.err.contains("--cpus: "),
        "{}",
        played.err
    );
    let counts = stage.store().await.counts().await.unwrap();
    assert!(counts.iter().all(|(_, count)| *count == 0));
}

#[tokio::test]
async fn an_engine_of_the_environment_that_is_down_is_125_and_nothing_is_stored() {
    let stage = Stage::new();
    stage.move_to_engine("dead");
    let played = stage.type_in(&["run", "demo", "out=x"]).await;
    assert_eq!((played.code, played.out.as_str()), (125, ""));
    assert!(played.err.contains("connection refused"), "{}", played.err);
    let store = stage.store().await;
    let counts = store.counts().await.unwrap();
    assert!(counts.iter().all(|(_, count)| *count == 0));
    assert!(store.hosts().await.unwrap().is_empty());
    assert_eq!(stage.type_in(&["submit", "demo"]).await.code, 0);
}

#[tokio::test]
async fn the_first_ctrl_c_cancels_the_job() {
    let stage = Stage::new();
    stage.press_ctrl_c(1);
    let played = stage.type_in(&["run", "demo", "out=begun", "hang"]).await;
    assert_eq!((played.code, played.out.as_str()), (130, "begun\n"));
    assert_eq!(stage.newest().await.status, JobStatus::Cancelled);
}

#[tokio::test]
async fn the_second_ctrl_c_detaches_and_says_how_to_go_on() {
    let stage = Stage::new();
    stage.press_ctrl_c(2);
    let played = stage.type_in(&["run", "demo", "stubborn"]).await;
    let job = stage.newest().await;
    assert_eq!((played.code, job.status), (130, JobStatus::Running));
    assert!(job.cancel_requested_at.is_some());
    for hint in ["longshore logs -f", "longshore cancel"] {
        let hint = format!("{hint} {}", job.id.short());
        assert!(played.err.contains(&hint), "{}", played.err);
    }
}

#[tokio::test]
async fn detached_jobs_are_stored_and_not_moved() {
    let stage = Stage::new();
    let played = stage.type_in(&["run", "-d", "demo", "out=x"]).await;
    let job = stage.newest().await;
    assert_eq!((played.code, played.out), (0, format!("{}\n", job.id)));
    assert_eq!(job.status, JobStatus::Queued);
    assert!(
        played
            .err
            .contains(&format!("longshore logs -f {}", job.id.short()))
    );
}

#[tokio::test]
async fn run_takes_one_job_from_a_file() {
    let stage = Stage::new();
    stage.write("one.toml", "image = \"demo\"\ncommand = [\"exit=3\"]\n");
    stage.write(
        "two.toml",
        "[[job]]\nimage = \"a\"\n[[job]]\nimage = \"b\"\n",
    );
    assert_eq!(stage.type_in(&["run", "-f", "one.toml"]).await.code, 3);
    let played = stage.type_in(&["run", "-f", "two.toml"]).await;
    assert_eq!(played.code, 125);
    assert!(played.err.contains("longshore submit -f"), "{}", played.err);
}
