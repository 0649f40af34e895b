//! Two workers with one PostgreSQL and one bucket of logs, as on two machines that share no folder.

use longshore_e2e::drill::{Drill, Process};
use longshore_testkit::{Bucket, shared_database, shared_engine, temp_dir};

#[test]
fn logs_in_a_bucket_are_followed_from_elsewhere_and_whole_after_their_worker_was_killed() {
    let (database, other_home) = (shared_database(), temp_dir());
    let bucket = Bucket::start().unwrap();
    let drill = Drill::on(&shared_engine())
        .with_database(&database.url())
        .with_bucket(&bucket);
    let here = drill.worker();
    let volume = drill.volume_flag();
    let script = "seq 1 2000; until [ -e /v/go ]; do usleep 50000; done; seq 2001 4000; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    drill.until_running(&id);
    let elsewhere = |args: &[&str]| {
        let mut command = drill.command(args);
        Process::start(command.env("HOME", other_home.path()))
    };
    // What the first worker has not brought to the bucket cannot be seen from here.
    let follower = elsewhere(&["logs", "--follow", "--stdout", &id]);
    drill.until_logged(&id, "\n2000\n");
    let _there = elsewhere(&["worker"]);
    here.kill9();
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill.engine().docker(go).unwrap();
    let job = drill.until_gone(&id);
    assert_eq!(
        (&job["exit_code"], &job["attempt"]),
        (&3.into(), &1.into()),
        "{job:#}"
    );
    let lines: Vec<String> = (1..=4000).map(|number| number.to_string()).collect();
    let whole = lines.join("\n") + "\n";
    assert!(
        follower.done().stdout == whole,
        "what was followed is whole"
    );
    assert!(drill.log(&id) == whole, "what is kept is whole");
    assert!(bucket.objects() > 1, "a mark, and chunks");
    let folder = drill.folder().join("logs");
    assert!(!folder.exists(), "no folder is made for them");
}

#[test]
fn a_bucket_that_does_not_answer_is_an_error_that_says_what_to_set() {
    let bucket = Bucket::start().unwrap();
    let drill = Drill::on(&shared_engine()).with_bucket(&bucket);
    drill.ok(&["jobs"]);
    drop(bucket);
    let refused = drill.call(&["jobs"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    for word in ["s3://logs/pool/logs", "AWS_ENDPOINT_URL"] {
        assert!(refused.stderr.contains(word), "{refused:?}");
    }
    assert!(!refused.stderr.contains("secret"), "{refused:?}");
}

#[test]
fn wrong_credentials_are_refused_when_the_store_is_opened() {
    let bucket = Bucket::start().unwrap();
    let drill = Drill::on(&shared_engine()).with_bucket(&bucket);
    let mut command = drill.command(&["jobs"]);
    let refused = Process::start(command.env("AWS_SECRET_ACCESS_KEY", "wrong")).done();
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(
        refused.stderr.contains("AWS_SECRET_ACCESS_KEY"),
        "{refused:?}"
    );
}
