//! Reports about attempts, written in sets: those that wait together share their statements.
//!
//! An attempt is reported about half a dozen times, and dozens of attempts at once. Each *stage* of
//! their lives is written by the same few statements, however many attempts reach it together. Every
//! report is judged by itself all the same: one that is stale is refused, and the others stand.

use std::any::Any;
use std::collections::HashMap;

use futures::future::BoxFuture;
use longshore_core::event::EventKind;
use longshore_core::{AttemptId, JobId, Timestamp};
use tokio::sync::oneshot;

use crate::database::Connection;
use crate::dependents;
use crate::error::StoreError;
use crate::operation::{Operation, Ran, Reply};
use crate::rows::events::{self, NewEvent};
use crate::rows::jobs::change::Try;
use crate::store::Store;

mod ends;
mod exits;
mod starts;

pub(crate) use ends::Ended;
pub use ends::{End, Untold};
pub(crate) use exits::{Exited, Removed};
pub use starts::ImageSeen;
pub(crate) use starts::{Created, ImageReady, Started};

/// The stages of an attempt that are reported, in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    ImageReady,
    Created,
    Started,
    Exited,
    Ended,
    Removed,
}

/// What became of each report of a set, in their order.
pub(crate) type Answers<T> = Vec<Result<T, StoreError>>;

/// A report of one stage.
pub(crate) trait Report: Sized + Send + Sync + 'static {
    /// What the reporter is told.
    type Answer: Send;

    const STAGE: Stage;

    /// Where reports of this stage wait.
    const SHELF: fn(&mut Reports) -> &mut Vec<Waiting<Self>>;

    /// The attempt that it is about.
    fn attempt(&self) -> AttemptId;

    /// Writes reports of different attempts. An error here is one of the whole set.
    fn write(
        db: &mut Connection,
        reports: &[&Self],
        news: &mut News,
    ) -> impl Future<Output = Result<Answers<Self::Answer>, StoreError>> + Send;
}

/// What follows from a set of reports: lines for timelines, and jobs that are final.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) finals: Vec<(JobId, Timestamp)>,
}

impl News {
    /// Adds a line about an attempt.
    pub(crate) fn tell(
        &mut self,
        one: Try,
        kind: EventKind,
        detail: Option<String>,
        now: Timestamp,
    ) {
        let event = NewEvent::of_job(one.job, kind, now).in_attempt(one.number);
        self.events.push(event.with(detail.unwrap_or_default()));
    }

    async fn write(self, db: &mut Connection) -> Result<(), StoreError> {
        events::insert_all(db, &self.events).await?;
        let Some(now) = self.finals.iter().map(|(_, at)| *at).max() else {
            return Ok(());
        };
        let jobs: Vec<JobId> = self.finals.into_iter().map(|(job, _)| job).collect();
        dependents::ended(db, &jobs, now).await
    }
}

/// A report in the writer's queue.
pub(crate) struct Waiting<R: Report> {
    report: R,
    reply: Reply<R::Answer>,
}

impl Store {
    /// Hands in a report, to be written with others; counts those that are stale.
    pub(crate) async fn hand_in<R: Report>(&self, report: R) -> Result<R::Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let reply = Reply::to(reply);
        let reports = Reports::of(Waiting { report, reply });
        self.queue(Box::new(reports), answer).await
    }
}

/// Reports that are written together.
#[derive(Default)]
pub(crate) struct Reports {
    images_ready: Vec<Waiting<ImageReady>>,
    created: Vec<Waiting<Created>>,
    started: Vec<Waiting<Started>>,
    exited: Vec<Waiting<Exited>>,
    ended: Vec<Waiting<Ended>>,
    removed: Vec<Waiting<Removed>>,
    /// How far each attempt has come in this set.
    reached: HashMap<AttemptId, Stage>,
}

/// Does the same with the reports of each stage, in the order of an attempt's life.
macro_rules! in_order {
    ($reports:expr, |$shelf:ident| $body:expr) => {{
        let reports = $reports;
        let $shelf = &mut reports.images_ready;
        $body;
        let $shelf = &mut reports.created;
        $body;
        let $shelf = &mut reports.started;
        $body;
        let $shelf = &mut reports.exited;
        $body;
        let $shelf = &mut reports.ended;
        $body;
        let $shelf = &mut reports.removed;
        $body;
    }};
}

impl Reports {
    fn of<R: Report>(waiting: Waiting<R>) -> Self {
        let mut reports = Self::default();
        let attempt = waiting.report.attempt();
        reports.reached.insert(attempt, R::STAGE);
        R::SHELF(&mut reports).push(waiting);
        reports
    }

    /// Whether none of these comes before, or in the place of, one of the same attempt that is here.
    fn is_before(&self, later: &Self) -> bool {
        let mut reached = later.reached.iter();
        reached.all(|(attempt, stage)| self.reached.get(attempt).is_none_or(|last| last < stage))
    }

    fn append(&mut self, mut later: Self) {
        self.images_ready.append(&mut later.images_ready);
        self.created.append(&mut later.created);
        self.started.append(&mut later.started);
        self.exited.append(&mut later.exited);
        self.ended.append(&mut later.ended);
        self.removed.append(&mut later.removed);
        self.reached.extend(later.reached);
    }

    async fn write(&mut self, db: &mut Connection) -> Result<(), StoreError> {
        let mut news = News::default();
        in_order!(self, |shelf| write(db, shelf, &mut news).await?);
        news.write(db).await
    }
}

async fn write<R: Report>(
    db: &mut Connection,
    shelf: &mut [Waiting<R>],
    news: &mut News,
) -> Result<(), StoreError> {
    if shelf.is_empty() {
        return Ok(());
    }
    let reports: Vec<&R> = shelf.iter().map(|waiting| &waiting.report).collect();
    let answers = R::write(db, &reports, news).await?;
    for (waiting, answer) in shelf.iter_mut().zip(answers) {
        waiting.reply.keep(answer);
    }
    Ok(())
}

impl Operation for Reports {
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let Err(error) = self.write(connection).await else {
                return Ran::Well;
            };
            in_order!(&mut *self, |shelf| for waiting in shelf {
                waiting.reply.keep(Err(error.clone()));
            });
            Ran::Badly(error)
        })
    }

    fn join(&mut self, next: Box<dyn Operation>) -> Option<Box<dyn Operation>> {
        let any: &dyn Any = next.as_ref();
        let is_later = |later| self.is_before(later);
        if !any.downcast_ref().is_some_and(is_later) {
            return Some(next);
        }
        let later: Box<dyn Any> = next;
        self.append(
            *later
                .downcast()
                .expect("reports, as was seen a line before"),
        );
        None
    }

    /// Each report by itself.
    fn split(&mut self) -> Vec<Box<dyn Operation>> {
        let mut parts: Vec<Box<dyn Operation>> = Vec::new();
        if self.is_single() {
            return parts;
        }
        in_order!(&mut *self, |shelf| for waiting in shelf.drain(..) {
            parts.push(Box::new(Self::of(waiting)));
        });
        parts
    }

    fn is_single(&self) -> bool {
        self.images_ready.len()
            + self.created.len()
            + self.started.len()
            + self.exited.len()
            + self.ended.len()
            + self.removed.len()
            == 1
    }

    fn answer(mut self: Box<Self>, commit: Result<(), StoreError>) {
        in_order!(&mut *self, |shelf| for waiting in shelf.drain(..) {
            waiting.reply.answer(commit.clone());
        });
    }
}

/// A report that is stale is refused by itself; any other error is one of the whole set.
fn judged<T>(answer: Result<T, StoreError>) -> Result<Result<T, StoreError>, StoreError> {
    match answer {
        Err(error) if !matches!(error, StoreError::Stale { .. }) => Err(error),
        answer => Ok(answer),
    }
}
