//! What must be true when all is over, of every job.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use longshore_core::JobId;
use longshore_core::event::{EventKind, JobEvent};
use longshore_core::job::{AttemptRecord, Job};
use longshore_core::log::Stream;
use longshore_core::outcome::{CancelReason, FailReason, Limit, Outcome};
use longshore_store::{EventFilter, LogQuery};

use crate::play::{Part, Play};

/// Everything that is not as it must be.
pub(crate) async fn wrong(play: &Play) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, part) in &play.jobs {
        let job = play.store.job(*id).await.unwrap();
        let attempts = play.store.attempts(*id).await.unwrap();
        let checks = [
            ended_rightly(play, &job, *part),
            ran_once_each(play, &attempts),
            tries_add_up(play, &job, &attempts),
            every_end_is_told_once(play, &job, &attempts).await,
            output_is_there(play, &job, *part, &attempts).await,
        ];
        let found: Vec<String> = checks.into_iter().filter_map(Result::err).collect();
        if !found.is_empty() {
            let story = story(play, *id).await;
            wrong.push(format!("{id} {part:?}: {found:?}\n{story}"));
        }
    }
    if !play.store.loads().await.unwrap().is_empty() {
        wrong.push("a slot is taken".to_owned());
    }
    let known = known_attempts(play).await;
    let strange = play.mock.all_counts();
    let strange = strange.keys().filter(|attempt| !known.contains(*attempt));
    wrong.extend(strange.map(|attempt| format!("{attempt} had a container, and no record")));
    wrong
}

/// Its timeline, in seconds of the play.
async fn story(play: &Play, job: JobId) -> String {
    let events = play.store.events(all_of(job)).await.unwrap();
    let line = |event: &JobEvent| {
        let (kind, detail) = (event.kind, &event.detail);
        let at = event.at.duration_since(play.clock.base()).as_secs_f64();
        format!("{at:9.3} {:?} {kind:?} {detail}\n", event.attempt)
    };
    events.iter().map(line).collect::<Vec<_>>().concat()
}

fn all_of(job: JobId) -> EventFilter {
    EventFilter {
        job: Some(job),
        after: 0,
        limit: 500,
    }
}

async fn known_attempts(play: &Play) -> BTreeSet<longshore_core::AttemptId> {
    let mut known = BTreeSet::new();
    for (id, _) in &play.jobs {
        let attempts = play.store.attempts(*id).await.unwrap();
        known.extend(attempts.iter().map(|attempt| attempt.id));
    }
    known
}

/// Its own end; or cancelled, where somebody wished it; or what a host did to it, where that could
/// not be made good.
fn ended_rightly(play: &Play, job: &Job, part: Part) -> Result<(), String> {
    let own = match part.code {
        0 => Outcome::Completed,
        code => Outcome::Failed(FailReason::Exit(code.into())),
    };
    let ended = job.outcome.ok_or("has no outcome")?;
    let was_unwanted = play.cancels.contains_key(&job.id);
    let is_of_host = matches!(
        ended,
        Outcome::Failed(FailReason::Lost) | Outcome::TimedOut(Limit::Start)
    );
    let is_right = ended == own
        || (was_unwanted && ended == Outcome::Cancelled(CancelReason::User))
        || (!part.is_retried && is_of_host);
    if is_right {
        return Ok(());
    }
    Err(format!("ended {ended}, must be {own}"))
}

/// No container ran twice, and none was made twice.
fn ran_once_each(play: &Play, attempts: &[AttemptRecord]) -> Result<(), String> {
    for attempt in attempts {
        let counts = play.mock.counts(attempt.id);
        if counts.starts > 1 || counts.creates > 1 {
            return Err(format!("attempt {}: {counts:?}", attempt.number));
        }
    }
    Ok(())
}

/// The budgets say how many attempts there were; where the job was revived they were reset.
fn tries_add_up(play: &Play, job: &Job, attempts: &[AttemptRecord]) -> Result<(), String> {
    if play.revivals.contains_key(&job.id) || attempts.is_empty() {
        return Ok(());
    }
    let allowed = 1 + job.retries_used + job.infra_retries_used;
    // One that was cancelled while it waited for the next try has used a retry for nothing.
    let waited = play.cancels.contains_key(&job.id);
    let count = u32::try_from(attempts.len()).unwrap();
    if count == allowed || (waited && count + 1 == allowed) {
        return Ok(());
    }
    Err(format!("{count} attempts, its budgets say {allowed}"))
}

async fn every_end_is_told_once(
    play: &Play,
    job: &Job,
    attempts: &[AttemptRecord],
) -> Result<(), String> {
    let events = play.store.events(all_of(job.id)).await.unwrap();
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    let finals = 1 + play.revivals.get(&job.id).copied().unwrap_or_default() as usize;
    if count(EventKind::Finished) != finals {
        return Err(format!(
            "{} ends, must be {finals}",
            count(EventKind::Finished)
        ));
    }
    if count(EventKind::AttemptEnded) != attempts.len() {
        return Err(format!(
            "{} ends of attempts",
            count(EventKind::AttemptEnded)
        ));
    }
    Ok(())
}

/// The output of an attempt that came to its own end is whole, or says that it may not be.
async fn output_is_there(
    play: &Play,
    job: &Job,
    part: Part,
    attempts: &[AttemptRecord],
) -> Result<(), String> {
    let is_own = matches!(
        job.outcome,
        Some(Outcome::Completed | Outcome::Failed(FailReason::Exit(_)))
    );
    let Some(last) = attempts.last().filter(|_| is_own) else {
        return Ok(());
    };
    let read = play.store.logs().read(last.id, LogQuery::default());
    let frames: Vec<_> = read.try_collect().await.unwrap();
    let text = |stream| -> String {
        let of_stream = frames.iter().filter(|frame| frame.stream == stream);
        of_stream
            .map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned())
            .collect()
    };
    let printed = (0..part.lines).map(|line| format!("{line}\n"));
    let printed = printed.collect::<Vec<_>>().concat();
    let (kept, notes) = (text(Stream::Stdout), text(Stream::Note));
    if kept == printed || !notes.is_empty() {
        return Ok(());
    }
    Err(format!("kept {kept:?} of {printed:?}"))
}
