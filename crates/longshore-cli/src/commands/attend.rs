//! Staying with a job: its output as it comes, attempt by attempt, until it is final.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use longshore_core::attempt::Phase;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::log::{Frame, Stream};
use longshore_core::{AttemptId, JobId};
use longshore_store::{LogError, LogQuery, Store};

use crate::commands::narrate::Narrator;
use crate::failure::Failure;
use crate::session::Session;

/// Frames that are written before the next flush, at most.
const BATCH: usize = 256;

/// Prints the output of all attempts, and returns the job once it is final.
pub(super) async fn attend(
    session: &Session,
    id: JobId,
    narrator: &Narrator<'_>,
) -> Result<Job, Failure> {
    let store = session.store().await?;
    let mut changes = store.changes();
    let mut shown = 0;
    loop {
        let job = store.job(id).await?;
        if job.attempt > shown {
            shown += 1;
            if let Some(attempt) = attempt(store, id, shown).await? {
                print_attempt(session, attempt.id, narrator).await?;
            }
            continue;
        }
        if job.status.is_final() {
            return Ok(job);
        }
        changes.changed().await;
    }
}

async fn attempt(store: &Store, job: JobId, number: u32) -> Result<Option<AttemptRecord>, Failure> {
    Ok(store
        .attempts(job)
        .await?
        .into_iter()
        .find(|attempt| attempt.number == number))
}

/// Prints the log of one attempt until it is complete.
async fn print_attempt(
    session: &Session,
    attempt: AttemptId,
    narrator: &Narrator<'_>,
) -> Result<(), Failure> {
    let store = session.store().await?;
    let is_ended = is_ended(store, attempt);
    print(
        session,
        store.logs().follow(attempt, LogQuery::default(), is_ended),
        narrator,
    )
    .await
}

/// Asks the store whether anything more can come into an attempt's log.
pub(super) fn is_ended(
    store: &Store,
    attempt: AttemptId,
) -> impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static {
    let store = store.clone();
    move || {
        let store = store.clone();
        Box::pin(async move {
            store
                .attempt(attempt)
                .await
                .is_ok_and(|attempt| attempt.phase == Phase::Ended)
        })
    }
}

async fn print(
    session: &Session,
    frames: BoxStream<'_, Result<Frame, LogError>>,
    narrator: &Narrator<'_>,
) -> Result<(), Failure> {
    let mut batches = frames.ready_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        narrator.give_way();
        for frame in batch {
            write(session, &frame?)?;
        }
        session.console.flush()?;
    }
    Ok(())
}

/// The container's streams stay apart and exact; notes of ours are talk.
fn write(session: &Session, frame: &Frame) -> Result<(), Failure> {
    match frame.stream {
        Stream::Stdout => session.console.write_out(&frame.bytes)?,
        Stream::Stderr => {
            // Keeps the order on a terminal that shows both.
            session.console.flush()?;
            session.console.write_err(&frame.bytes);
        }
        Stream::Note => write_note(session, frame),
    }
    Ok(())
}

/// A gap or a truncation; readers must see it, even quiet ones.
pub(super) fn write_note(session: &Session, frame: &Frame) {
    let text = String::from_utf8_lossy(&frame.bytes);
    session.console.complain(
        &session
            .console
            .dim(&format!("longshore: {}", text.trim_end())),
    );
}
