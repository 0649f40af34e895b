//! Schedules and their times, for people and for `--json`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use longshore_core::JobId;
use longshore_core::outcome::JobStatus;
use longshore_core::schedule::Schedule;
use longshore_core::spec::JobSpec;
use longshore_store::Firing;
use serde::Serialize;

use crate::render::spans;
use crate::render::tables::{self, Look};
use crate::render::views::SCHEMA;

/// A schedule and what its last time brought.
pub(crate) struct ScheduleRow {
    pub(crate) schedule: Schedule,
    pub(crate) last: Option<Firing>,
}

/// A schedule.
#[derive(Debug, Serialize)]
pub(crate) struct ScheduleView {
    schema: u32,
    name: String,
    timetable: String,
    overlap: String,
    missed: String,
    paused_at: Option<Timestamp>,
    next_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    spec: JobSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<Vec<TurnView>>,
}

impl ScheduleView {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        Self {
            schema: SCHEMA,
            name: schedule.name.to_string(),
            timetable: schedule.timetable.to_string(),
            overlap: schedule.overlap.to_string(),
            missed: schedule.missed.to_string(),
            paused_at: schedule.paused_at,
            next_at: schedule.next_at(),
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
            spec: schedule.spec.redacted(),
            turns: None,
        }
    }

    pub(crate) fn with_turns(self, turns: Vec<TurnView>) -> Self {
        let turns = Some(turns);
        Self { turns, ..self }
    }
}

/// What one of its times brought.
#[derive(Debug, Serialize)]
pub(crate) struct TurnView {
    nominal_at: Timestamp,
    brought: &'static str,
    job: Option<JobId>,
    job_status: Option<&'static str>,
    detail: String,
    decided_at: Timestamp,
}

impl TurnView {
    pub(crate) fn new(firing: Firing, status: Option<JobStatus>) -> Self {
        Self {
            nominal_at: firing.nominal_at,
            brought: firing.brought.word(),
            job: firing.brought.job(),
            job_status: status.map(JobStatus::word),
            detail: firing.detail,
            decided_at: firing.at,
        }
    }
}

/// One time, as the zone tells it.
#[derive(Debug, Serialize)]
pub(crate) struct TimeView {
    schema: u32,
    at: Timestamp,
    local: String,
}

impl TimeView {
    pub(crate) fn new(at: Timestamp, zone: &TimeZone) -> Self {
        Self {
            schema: SCHEMA,
            at,
            local: local(at, zone),
        }
    }

    /// The time, and how long until then.
    pub(crate) fn line(&self, now: Timestamp) -> String {
        format!("{}   {}", self.local, ahead(self.at, now))
    }
}

/// The table of `schedule ls`.
pub(crate) fn table(rows: &[ScheduleRow], look: Look) -> String {
    let head = [
        "NAME", "TIMES", "OVERLAP", "MISSED", "NEXT", "LAST", "IMAGE",
    ];
    let rows: Vec<_> = rows.iter().map(|row| cells(row, look.now)).collect();
    tables::plain(head, &rows, look)
}

fn cells(row: &ScheduleRow, now: Timestamp) -> [String; 7] {
    let schedule = &row.schedule;
    let last = row.last.as_ref().map(|firing| {
        let age = spans::age(firing.nominal_at, now);
        format!("{age}, {}", firing.brought.word())
    });
    [
        schedule.name.to_string(),
        schedule.timetable.to_string(),
        schedule.overlap.to_string(),
        schedule.missed.to_string(),
        next(schedule, now),
        last.unwrap_or_default(),
        schedule.spec.image.to_string(),
    ]
}

/// The lines above the table of `schedule show`.
pub(crate) fn facts(schedule: &Schedule, now: Timestamp) -> Vec<String> {
    let zone = schedule.timetable.zone();
    let next = match schedule.next_at() {
        Some(at) => TimeView::new(at, &zone).line(now),
        None => next(schedule, now),
    };
    let lines = [
        ("name", schedule.name.to_string()),
        ("times", schedule.timetable.to_string()),
        ("next", next),
        ("overlap", schedule.overlap.to_string()),
        ("missed", schedule.missed.to_string()),
        ("image", schedule.spec.image.to_string()),
    ];
    let line = |(word, value)| format!("{word:<9}{value}");
    lines.into_iter().map(line).collect()
}

/// The table of `schedule show`.
pub(crate) fn turns(schedule: &Schedule, turns: &[TurnView], look: Look) -> String {
    let zone = schedule.timetable.zone();
    let row = |turn: &TurnView| {
        [
            local(turn.nominal_at, &zone),
            turn.brought.to_owned(),
            turn.job.map(JobId::short).unwrap_or_default(),
            turn.job_status.unwrap_or_default().to_owned(),
            turn.detail.clone(),
        ]
    };
    let rows: Vec<_> = turns.iter().map(row).collect();
    tables::plain(["TIME", "BROUGHT", "JOB", "STATUS", "WHY"], &rows, look)
}

fn next(schedule: &Schedule, now: Timestamp) -> String {
    match (schedule.paused_at, schedule.next_at()) {
        (Some(since), _) => format!("paused {}", spans::age(since, now)),
        (None, Some(at)) => ahead(at, now),
        (None, None) => "never".to_owned(),
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string()
}

fn ahead(at: Timestamp, now: Timestamp) -> String {
    format!("in {}", spans::duration(spans::between(now, at)))
}
