//! `logs`: a job's output as it was kept; never asks the host.

use futures::StreamExt;
use futures::stream::BoxStream;
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::log::{Frame, Stream};
use longshore_store::LogQuery;

use crate::args::LogsArgs;
use crate::commands::attend::{is_ended, write_note};
use crate::exit_code::{CANCELLED, SUCCESS};
use crate::failure::Failure;
use crate::moments;
use crate::render::frames::{self, FrameForm, Stamper};
use crate::session::Session;

/// Frames that are written before the next flush, at most.
const BATCH: usize = 256;

pub(super) async fn run(session: &Session, args: LogsArgs) -> Result<u8, Failure> {
    let query = query(session, &args)?;
    let job = session.job(&args.job).await?;
    let form = match (session.global.json, args.timestamps) {
        (true, _) => FrameForm::Json,
        (false, true) => FrameForm::Stamped,
        (false, false) => FrameForm::Exact,
    };
    if !args.follow {
        let Some(attempt) = attempt(session, &job, args.attempt).await? else {
            session.console.say(&format!(
                "job {} is {}; no attempt yet",
                job.id.short(),
                job.status
            ));
            return Ok(SUCCESS);
        };
        let frames = session.store().await?.logs().read(attempt.id, query);
        print(session, frames, form).await?;
        return Ok(SUCCESS);
    }
    let mut interrupts = session.interrupts()?;
    tokio::select! {
        followed = follow(session, &job, &args, query, form) => followed.map(|()| SUCCESS),
        () = interrupts.next() => Ok(CANCELLED),
    }
}

fn query(session: &Session, args: &LogsArgs) -> Result<LogQuery, Failure> {
    let since = args
        .since
        .as_deref()
        .map(|text| moments::parse_since(text, session.now()));
    let since = since
        .transpose()
        .map_err(|text| Failure::usage(format!("--since: {text}")))?;
    let streams = match (args.stdout, args.stderr) {
        (true, _) => vec![Stream::Stdout],
        (false, true) => vec![Stream::Stderr],
        (false, false) => Vec::new(),
    };
    Ok(LogQuery {
        since,
        tail: args.tail,
        streams,
    })
}

/// The attempt that was asked for, or the last; `None` before the first.
async fn attempt(
    session: &Session,
    job: &Job,
    wanted: Option<u32>,
) -> Result<Option<AttemptRecord>, Failure> {
    let mut attempts = session.store().await?.attempts(job.id).await?;
    let Some(number) = wanted else {
        return Ok(attempts.pop());
    };
    let last = attempts.last().map_or(0, |attempt| attempt.number);
    match attempts
        .into_iter()
        .find(|attempt| attempt.number == number)
    {
        Some(attempt) => Ok(Some(attempt)),
        None if last == 0 => Ok(None),
        None => Err(Failure::refused(format!(
            "job {} has no attempt {number}: its attempts are 1 to {last}",
            job.id.short()
        ))),
    }
}

/// Waits for the attempt, then goes on until its log is complete.
async fn follow(
    session: &Session,
    job: &Job,
    args: &LogsArgs,
    query: LogQuery,
    form: FrameForm,
) -> Result<(), Failure> {
    let store = session.store().await?;
    let mut changes = store.changes();
    loop {
        let job = session.job_by_id(job.id).await?;
        if let Some(attempt) = attempt(session, &job, args.attempt).await? {
            let is_ended = is_ended(store, attempt.id);
            return print(
                session,
                store.logs().follow(attempt.id, query, is_ended),
                form,
            )
            .await;
        }
        if job.status.is_final() {
            return Ok(());
        }
        changes.changed().await;
    }
}

/// Writes frames as they come.
pub(super) async fn print<E>(
    session: &Session,
    frames: BoxStream<'_, Result<Frame, E>>,
    form: FrameForm,
) -> Result<(), Failure>
where
    Failure: From<E>,
{
    let mut stamper = Stamper::default();
    let mut batches = frames.ready_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        for frame in batch {
            write(session, &frame?, form, &mut stamper)?;
        }
        session.console.flush()?;
    }
    Ok(())
}

fn write(
    session: &Session,
    frame: &Frame,
    form: FrameForm,
    stamper: &mut Stamper,
) -> Result<(), Failure> {
    if form == FrameForm::Json {
        session
            .console
            .write_out(frames::json_line(frame).as_bytes())?;
        session.console.write_out(b"\n")?;
        return Ok(());
    }
    let bytes = match form {
        FrameForm::Stamped => stamper.stamp(frame).into(),
        FrameForm::Exact | FrameForm::Json => frame.bytes.clone(),
    };
    match frame.stream {
        Stream::Stdout => session.console.write_out(&bytes)?,
        Stream::Stderr => {
            session.console.flush()?;
            session.console.write_err(&bytes);
        }
        Stream::Note => write_note(session, frame),
    }
    Ok(())
}
