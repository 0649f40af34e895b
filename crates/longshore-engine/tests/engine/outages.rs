//! A database server that goes away under a worker: it pauses, goes on, and nothing runs twice.

use std::time::Duration;

use longshore_core::outcome::JobStatus;
use longshore_executor::mock::Behaviour;
use longshore_testkit::{CutProxy, Postgres, temp_dir};

use crate::rig::{Place, Rig, spec};

fn place_of(url: &str, logs: &tempfile::TempDir) -> Place {
    Place::Server {
        url: url.to_owned(),
        logs: logs.path().join("logs"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_pauses_while_its_server_is_away_and_nothing_is_lost() {
    let (mut server, logs) = (Postgres::start().unwrap(), temp_dir());
    let place = place_of(&server.create_database().unwrap(), &logs);
    let behaviour = Behaviour::exits(0).runs_for(Duration::from_millis(800));
    let rig = Rig::at(place, behaviour).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    server.strike_down();
    rig.quiet("the end of the container", || rig.mock.running() == 0)
        .await;
    server.resume().unwrap();
    let job = rig.finished(job).await;
    assert_eq!(
        (job.status, job.infra_retries_used),
        (JobStatus::Completed, 0)
    );
    assert_eq!(rig.starts(job.id).await, 1);
    assert_eq!(rig.attempts(job.id).await.len(), 1);
}

/// The worker never hears what became of the commit that holds this text; the job ends all the same.
async fn answer_is_lost(text: &str) {
    let (server, logs) = (Postgres::start().unwrap(), temp_dir());
    let proxy = CutProxy::start(server.port()).unwrap();
    let direct = server.create_database().unwrap();
    let proxied = direct.replace(
        &format!(":{}/", server.port()),
        &format!(":{}/", proxy.port()),
    );
    let rig = Rig::at(place_of(&direct, &logs), Behaviour::exits(0)).await;
    let job = rig.submit(spec()).await;
    proxy.lose_answer_after(&[text, "COMMIT"]);
    let worker = rig.worker_at(place_of(&proxied, &logs));
    rig.quiet("the loss", || proxy.lost() == 1).await;
    rig.let_leases_pass(job).await;
    let job = rig.finished(job).await;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!(rig.starts(job.id).await, 1);
    assert_eq!(rig.attempts(job.id).await.len(), 1);
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_which_the_worker_never_heard_is_adopted_when_its_lease_has_passed() {
    answer_is_lost("INSERT INTO attempts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_which_the_worker_never_heard_is_said_again_and_stands() {
    answer_is_lost("UPDATE attempts SET phase = 'ended'").await;
}
