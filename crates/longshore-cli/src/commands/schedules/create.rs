//! `schedule create`: the times and the job, both checked before anything is stored.

use longshore_core::Timestamp;
use longshore_core::schedule::{Schedule, Timetable};
use longshore_core::spec::{InvalidValue, JobSpec};
use longshore_store::{Store, StoreError};

use crate::args::{JobArgs, ScheduleCreate};
use crate::commands::intake::{self, When};
use crate::draft::{Origin, Problem};
use crate::failure::Failure;
use crate::render::schedule_view::ScheduleView;
use crate::render::views;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &ScheduleCreate) -> Result<(), Failure> {
    let now = session.now();
    let timetable = timetable(args)?;
    refuse_moments(&args.job)?;
    let spec = spec(session, &args.job).await?;
    let schedule = Schedule {
        name: args.schedule.clone(),
        spec,
        timetable,
        overlap: args.overlap,
        missed: args.missed,
        paused_at: None,
        settled_until: now,
        created_at: now,
        updated_at: now,
    };
    let stored = store(session.store().await?, schedule, args.replace).await?;
    if session.global.json {
        session
            .console
            .print(&views::line(&ScheduleView::new(&stored)))?;
        return Ok(());
    }
    session.console.print(stored.name.as_str())?;
    tell_next(session, &stored, now);
    Ok(())
}

fn timetable(args: &ScheduleCreate) -> Result<Timetable, Failure> {
    let refuse = |flag, invalid: InvalidValue| {
        Failure::problems(&[Problem::new(Origin::Flag(flag), invalid.to_string())])
    };
    if let Some(every) = &args.every {
        let text = format!("every {every}");
        return text.parse().map_err(|invalid| refuse("every", invalid));
    }
    let pattern = args.cron.as_deref().unwrap_or_default();
    Timetable::cron(pattern, args.zone.as_deref()).map_err(|invalid| {
        let is_zone = invalid.what() == "time zone";
        refuse(if is_zone { "zone" } else { "cron" }, invalid)
    })
}

/// Flags of `submit` that mean nothing here.
fn refuse_moments(job: &JobArgs) -> Result<(), Failure> {
    let moments = [("delay", &job.delay), ("at", &job.at)];
    let Some((flag, _)) = moments.into_iter().find(|(_, value)| value.is_some()) else {
        return Ok(());
    };
    let text = "a schedule has times of its own: leave it out";
    Err(Failure::problems(&[Problem::new(Origin::Flag(flag), text)]))
}

async fn spec(session: &Session, args: &JobArgs) -> Result<JobSpec, Failure> {
    let mut jobs = intake::take_in(session, args, When::Sometime).await?;
    let count = jobs.len();
    let Some(job) = jobs.pop().filter(|_| count == 1) else {
        let text = format!("the file has {count} jobs: a schedule makes one, so make one for each");
        return Err(Failure::problems(&[Problem::new(
            Origin::Flag("file"),
            text,
        )]));
    };
    if job.spec.idempotency_key.is_some() {
        let text = "every time of a schedule makes a job of its own: leave the key out";
        let origin = Origin::Flag("idempotency-key");
        return Err(Failure::problems(&[Problem::new(origin, text)]));
    }
    Ok(job.spec)
}

/// Adds it, or puts it in the place of the one that is there, which stays paused if it was.
async fn store(store: &Store, mut schedule: Schedule, replace: bool) -> Result<Schedule, Failure> {
    let known = match store.schedule(&schedule.name).await {
        Ok(known) => Some(known),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    match known.filter(|_| replace) {
        Some(known) => {
            schedule.created_at = known.created_at;
            schedule.paused_at = known.paused_at;
            store.update_schedule(&schedule).await?;
        }
        None => store.add_schedule(&schedule).await.map_err(taken)?,
    }
    Ok(schedule)
}

fn taken(error: StoreError) -> Failure {
    let is_taken = matches!(error, StoreError::NameTaken { .. });
    let failure = Failure::from(error);
    if is_taken {
        return failure.hint("--replace puts this one in its place");
    }
    failure
}

fn tell_next(session: &Session, schedule: &Schedule, now: Timestamp) {
    let text = match schedule.next_at() {
        Some(time) => {
            let view =
                crate::render::schedule_view::TimeView::new(time, &schedule.timetable.zone());
            format!("next: {}", view.line(now))
        }
        None => "it is paused, or has no time left".to_owned(),
    };
    session.console.say(&text);
}
