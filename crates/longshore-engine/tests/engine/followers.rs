//! Whoever follows a log reads the store: the host has one reader, however many follow.

use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use longshore_core::log::Stream;
use longshore_core::outcome::JobStatus;
use longshore_executor::mock::{Behaviour, Call};
use longshore_store::LogQuery;

use crate::rig::{Rig, spec};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_followers_of_one_job_are_one_log_stream_on_its_host() {
    let prints = Behaviour::forever().prints(Duration::ZERO, Stream::Stdout, "hello\n");
    let rig = Rig::new(prints).await;
    let job = rig.submit(spec()).await;
    let _worker = rig.worker();
    rig.status(job, JobStatus::Running).await;
    rig.eventually("its log is read", async || {
        rig.mock.calls_made(Call::Logs) == 1
    })
    .await;
    let attempt = rig.attempts(job).await[0].id;
    let follow = || {
        let (store, query) = (rig.store.clone(), LogQuery::default());
        let is_ended = move || {
            let store = store.clone();
            async move { store.attempt(attempt).await.unwrap().verdict.is_some() }
        };
        rig.store.logs().follow(attempt, query, is_ended)
    };
    let mut followers: Vec<_> = (0..50).map(|_| follow()).collect();
    let firsts = join_all(followers.iter_mut().map(TryStreamExt::try_next)).await;
    assert!(
        firsts
            .iter()
            .all(|frame| matches!(frame, Ok(Some(frame)) if frame.bytes == "hello\n"))
    );
    assert_eq!(rig.mock.calls_made(Call::Logs), 1);
    rig.store
        .request_cancel(job, jiff::Timestamp::now())
        .await
        .unwrap();
    rig.finished(job).await;
    for follower in followers {
        follower.try_collect::<Vec<_>>().await.unwrap();
    }
    // The last look at the log, for what a follower may have lost.
    assert!(rig.mock.calls_made(Call::Logs) <= 2);
}
