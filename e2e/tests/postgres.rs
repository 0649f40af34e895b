//! Two workers with one PostgreSQL and one folder of logs, as on two machines; one is killed.

use longshore_e2e::drill::{Drill, Process, container_of};
use longshore_testkit::{shared_database, shared_engine, temp_dir};

#[test]
fn jobs_of_a_killed_worker_end_once_and_their_logs_are_read_from_elsewhere() {
    let (database, other_home) = (shared_database(), temp_dir());
    let drill = Drill::on(&shared_engine()).with_database(&database.url());
    let here = drill.worker();
    let volume = drill.volume_flag();
    let script = "echo started >> /v/starts; echo begun; \
        until [ -e /v/go ]; do usleep 50000; done; echo did it; exit 3";
    let id = drill.submit(&["-v", &volume], script);
    let container = drill.until_running(&id);
    drill.until_logged(&id, "begun\n");
    // Another home is another machine: nothing but the lease tells that the first worker is dead.
    let elsewhere = |args: &[&str]| {
        let mut command = drill.command(args);
        Process::start(command.env("HOME", other_home.path()))
    };
    let _there = elsewhere(&["worker"]);
    let others: Vec<_> = (0..6).map(|_| drill.submit(&[], "echo other")).collect();
    here.kill9();
    let go = ["run", "--rm", "-v", &volume, "demo-image", "touch", "/v/go"];
    drill.engine().docker(go).unwrap();
    let job = drill.until_gone(&id);
    assert_eq!(
        (&job["exit_code"], &job["attempt"]),
        (&3.into(), &1.into()),
        "{job:#}"
    );
    assert_eq!(container_of(&job), container);
    assert_eq!(drill.in_volume("starts"), "started");
    let read = elsewhere(&["logs", "--stdout", &id]).done();
    assert_eq!(read.stdout, "begun\ndid it\n");
    for other in others {
        let job = drill.until_gone(&other);
        assert_eq!(
            (&job["status"], &job["attempt"]),
            (&"completed".into(), &1.into()),
            "{job:#}"
        );
        assert_eq!(drill.log(&other), "other\n");
    }
}
