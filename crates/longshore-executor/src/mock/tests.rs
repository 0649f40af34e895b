//! Each knob of the mock does what it says. Time is paused in all of these.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use longshore_core::attempt::{Exit, Observed, Refusal};
use longshore_core::fault::{Fault, PullFault};
use longshore_core::launch::{Handle, Launch};
use longshore_core::limits::LAUNCH_CALL;
use longshore_core::log::{Frame, Stream};
use longshore_core::spec::{ByteSize, ImageReference, JobSpec};
use longshore_core::{AttemptId, JobId, PoolId};
use tokio::time::{Instant, advance};
use uuid::Uuid;

use super::*;
use crate::{
    Executor, ExecutorError, Force, HostEvent, Images, LogRange, OnProgress, PullRequest, Removed,
    UsageMeter,
};

mod disturbances;
mod images;
mod inventory;
mod programs;

const SECOND: Duration = Duration::from_secs(1);

/// A mock on which every container behaves like this.
fn mock(behaviour: Behaviour) -> MockExecutor {
    MockExecutor::new(Knobs::new(Timestamp::UNIX_EPOCH).with(Selector::Any, behaviour))
}

fn image(name: &str) -> ImageReference {
    name.parse().unwrap()
}

fn pool() -> PoolId {
    PoolId::new(Uuid::nil())
}

fn launch(number: u128) -> Launch {
    launch_of(number, "app:1")
}

fn launch_of(number: u128, name: &str) -> Launch {
    Launch {
        pool: pool(),
        job: JobId::new(Uuid::from_u128(number)),
        attempt: AttemptId::new(Uuid::from_u128(number)),
        host: "here".into(),
        spec: JobSpec::new(image(name)),
        image: image(name),
        legacy: None,
    }
}

async fn started(mock: &MockExecutor, number: u128) -> (AttemptId, Handle) {
    let launch = launch(number);
    let handle = mock.create(&launch).await.unwrap();
    mock.start(&handle).await.unwrap();
    (launch.attempt, handle)
}

async fn exit(mock: &MockExecutor, handle: &Handle) -> Exit {
    let observed = mock.observe(handle).await.unwrap();
    let Observed::Exited(exit) = observed else {
        panic!("has ended: {observed:?}")
    };
    exit
}

async fn is_running(mock: &MockExecutor, handle: &Handle) -> bool {
    matches!(
        mock.observe(handle).await.unwrap(),
        Observed::Running { .. }
    )
}

async fn texts(mock: &MockExecutor, handle: &Handle, range: LogRange) -> Vec<String> {
    let frames = mock.logs(handle, range).await.unwrap();
    frames.map(|frame| text(&frame.unwrap())).collect().await
}

fn text(frame: &Frame) -> String {
    String::from_utf8(frame.bytes.to_vec()).unwrap()
}

fn fault<T: std::fmt::Debug>(result: Result<T, ExecutorError>) -> Fault {
    result.unwrap_err().fault()
}
