//! `schedule`: jobs that are made again and again.

use longshore_core::limits::SCHEDULE_PREVIEW;
use longshore_core::spec::ScheduleName;
use longshore_core::{JobId, Timestamp};
use longshore_store::StoreError;
use uuid::Uuid;

use crate::args::ScheduleCommand;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::schedule_view::{self, ScheduleRow, ScheduleView, TimeView, TurnView};
use crate::render::views;
use crate::session::Session;

mod create;

pub(super) async fn run(session: &Session, command: ScheduleCommand) -> Result<u8, Failure> {
    let now = session.now();
    match command {
        ScheduleCommand::Create(args) => create::run(session, &args).await?,
        ScheduleCommand::List => list(session).await?,
        ScheduleCommand::Show { which, last } => show(session, &which.schedule, last).await?,
        ScheduleCommand::Next { which, count } => next(session, &which.schedule, count).await?,
        ScheduleCommand::Pause(which) => {
            let name = which.schedule;
            known(session.store().await?.pause_schedule(&name, now).await)?;
            session.console.print(name.as_str())?;
        }
        ScheduleCommand::Resume(which) => {
            let name = which.schedule;
            known(session.store().await?.resume_schedule(&name, now).await)?;
            session.console.print(name.as_str())?;
        }
        ScheduleCommand::Run(which) => fire(session, &which.schedule, now).await?,
        ScheduleCommand::Rm(which) => {
            let name = which.schedule;
            known(session.store().await?.remove_schedule(&name).await)?;
            session.console.print(name.as_str())?;
        }
    }
    Ok(SUCCESS)
}

/// What the store answers about a schedule; one that is not there is to be looked up.
fn known<T>(answer: Result<T, StoreError>) -> Result<T, Failure> {
    answer.map_err(|error| {
        let is_unknown = matches!(error, StoreError::NotFound { .. });
        let failure = Failure::from(error);
        if is_unknown {
            return failure.hint("`longshore schedule ls` shows them");
        }
        failure
    })
}

async fn list(session: &Session) -> Result<(), Failure> {
    let store = session.store().await?;
    let mut rows = Vec::new();
    for schedule in store.schedules().await? {
        let last = store.firings(&schedule.name, 1).await?.pop();
        rows.push(ScheduleRow { schedule, last });
    }
    if session.global.json {
        let views: Vec<_> = rows
            .iter()
            .map(|row| ScheduleView::new(&row.schedule))
            .collect();
        session.console.print(&views::pretty(&views))?;
        return Ok(());
    }
    session
        .console
        .print(&schedule_view::table(&rows, session.look()))?;
    Ok(())
}

async fn show(session: &Session, name: &ScheduleName, last: u32) -> Result<(), Failure> {
    let store = session.store().await?;
    let schedule = known(store.schedule(name).await)?;
    let mut turns = Vec::new();
    for firing in store.firings(name, last).await? {
        let status = match firing.brought.job() {
            Some(job) => Some(store.job(job).await?.status),
            None => None,
        };
        turns.push(TurnView::new(firing, status));
    }
    if session.global.json {
        let view = ScheduleView::new(&schedule).with_turns(turns);
        session.console.print(&views::pretty(&view))?;
        return Ok(());
    }
    for line in schedule_view::facts(&schedule, session.now()) {
        session.console.print(&line)?;
    }
    if turns.is_empty() {
        return Ok(());
    }
    session.console.print("")?;
    let table = schedule_view::turns(&schedule, &turns, session.look());
    session.console.print(&table)?;
    Ok(())
}

async fn next(session: &Session, name: &ScheduleName, count: usize) -> Result<(), Failure> {
    let schedule = known(session.store().await?.schedule(name).await)?;
    let now = session.now();
    let zone = schedule.timetable.zone();
    let times: Vec<TimeView> = schedule
        .timetable
        .times_after(now)
        .take(count.min(SCHEDULE_PREVIEW))
        .map(|time| TimeView::new(time, &zone))
        .collect();
    if session.global.json {
        session.console.print(&views::pretty(&times))?;
        return Ok(());
    }
    if schedule.paused_at.is_some() {
        let text = format!("{name} is paused: `longshore schedule resume {name}` lets it fire");
        session.console.say(&text);
    }
    for time in times {
        session.console.print(&time.line(now))?;
    }
    Ok(())
}

async fn fire(session: &Session, name: &ScheduleName, now: Timestamp) -> Result<(), Failure> {
    let job = JobId::new(Uuid::now_v7());
    known(session.store().await?.run_schedule(name, job, now).await)?;
    if session.global.json {
        let view = serde_json::json!({ "schema": views::SCHEMA, "id": job, "schedule": name });
        session.console.print(&views::line(&view))?;
        return Ok(());
    }
    session.console.print(&job.to_string())?;
    Ok(())
}
