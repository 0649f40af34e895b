//! Firing: what the nominal times of schedules bring.
//!
//! Each schedule's turn is one transaction: the row that says that a nominal time had its turn is
//! there together with the job, or neither is.

use longshore_core::event::EventKind;
use longshore_core::limits::{SCHEDULE_HISTORY, SCHEDULE_PAGE, SCHEDULE_WAITING};
use longshore_core::schedule::{Before, Schedule, Turn};
use longshore_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::rows::events::{self, NewEvent};
use crate::rows::firings::{self, Brought, Firing};
use crate::rows::schedules;
use crate::store::Store;
use crate::submit::{NewJob, add};
use crate::wishes::cancel;

/// Makes the ids of new jobs.
pub type FreshId = fn() -> JobId;

impl Store {
    /// When a schedule is next due; the beginning of time if one waits for nothing any more.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next_firing(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reader = self.readers().acquire().await?;
        if !firings::ready(&mut reader).await?.is_empty() {
            return Ok(Some(Timestamp::UNIX_EPOCH));
        }
        schedules::next(&mut reader).await
    }

    /// Gives every schedule that is due its turn, and makes the jobs that waited for others to end.
    ///
    /// Guarantees: a nominal time has its turn once, of however many workers try; a job is there if
    /// and only if its time is known to have had its turn.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn fire_due(&self, now: Timestamp, fresh: FreshId) -> Result<(), StoreError> {
        loop {
            let turns = self.write(move |db| Box::pin(fire_page(db, now, fresh)));
            if turns.await? < SCHEDULE_PAGE as usize {
                break;
            }
        }
        self.write(move |db| Box::pin(fire_ready(db, now, fresh)))
            .await
    }

    /// Corrects schedules that are settled up to a time far ahead, after a jump of the clock: their
    /// times come again, and those that had their turn do not have it twice.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn rewind_schedules(&self, now: Timestamp) -> Result<(), StoreError> {
        let ahead = schedules::ahead(&mut self.readers().acquire().await?, now).await?;
        if ahead.iter().all(|schedule| schedule.rewound(now).is_none()) {
            return Ok(());
        }
        self.write(move |db| Box::pin(rewind(db, now))).await
    }
}

async fn fire_page(
    db: &mut Connection,
    now: Timestamp,
    fresh: FreshId,
) -> Result<usize, StoreError> {
    let due = schedules::due(db, now, SCHEDULE_PAGE).await?;
    for schedule in &due {
        fire(db, schedule, now, fresh).await?;
    }
    Ok(due.len())
}

/// Gives all times that a schedule owes their turn.
async fn fire(
    db: &mut Connection,
    schedule: &Schedule,
    now: Timestamp,
    fresh: FreshId,
) -> Result<(), StoreError> {
    let owed = schedule.owed(now);
    if let Some(time) = owed.passed_over {
        let why = "no worker was there";
        firings::put(db, &firing(schedule, (time, why), Brought::Missed, now)).await?;
    }
    for time in &owed.turns {
        if !firings::has(db, &schedule.name, *time).await? {
            take_turn(db, schedule, *time, now, fresh).await?;
        }
    }
    firings::forget(db, &schedule.name, SCHEDULE_HISTORY).await?;
    let mut settled = schedule.clone();
    // What is due owes something; were it not so, it must not be due for ever.
    settled.settled_until = owed.settled_until().unwrap_or(now);
    schedules::update(db, &settled).await?;
    Ok(())
}

async fn take_turn(
    db: &mut Connection,
    schedule: &Schedule,
    nominal: Timestamp,
    now: Timestamp,
    fresh: FreshId,
) -> Result<(), StoreError> {
    let open = firings::open_jobs(db, &schedule.name).await?;
    let waiting = firings::waiting(db, &schedule.name).await?;
    let before = if open.is_empty() && waiting.is_empty() {
        Before::Over
    } else {
        Before::Open
    };
    let other = match open.first() {
        Some(job) => format!("job {} is not over", job.short()),
        None => "an earlier time waits".to_owned(),
    };
    let is_full = waiting.len() >= SCHEDULE_WAITING as usize;
    match schedule.overlap.turn(before) {
        Turn::Fire => submit(db, schedule, (nominal, "on time"), fresh(), now).await,
        Turn::Skip => {
            let skipped = firing(schedule, (nominal, &other), Brought::Nothing, now);
            firings::put(db, &skipped).await
        }
        Turn::Wait if is_full => {
            let why = format!("{} times wait already", waiting.len());
            let skipped = firing(schedule, (nominal, &why), Brought::Nothing, now);
            firings::put(db, &skipped).await
        }
        Turn::Wait => {
            let later = firing(schedule, (nominal, &other), Brought::Later, now);
            firings::put(db, &later).await
        }
        Turn::Replace => {
            for job in open {
                cancel(db, job, now).await?;
            }
            for earlier in waiting {
                let why = format!("replaced by that of {nominal}");
                let skipped = firing(schedule, (earlier.nominal_at, &why), Brought::Nothing, now);
                firings::put(db, &skipped).await?;
            }
            let later = firing(schedule, (nominal, &other), Brought::Later, now);
            firings::put(db, &later).await
        }
    }
}

/// Makes the oldest job that waited, of each schedule whose other jobs are over.
async fn fire_ready(db: &mut Connection, now: Timestamp, fresh: FreshId) -> Result<(), StoreError> {
    for name in firings::ready(db).await? {
        let schedule = schedules::get(db, &name).await?;
        let oldest = firings::waiting(db, &name).await?.into_iter().next();
        if let (Some(schedule), Some(oldest)) = (schedule, oldest) {
            let why = (oldest.nominal_at, "when the one before was over");
            submit(db, &schedule, why, fresh(), now).await?;
        }
    }
    Ok(())
}

/// Makes the job of a nominal time.
pub(crate) async fn submit(
    db: &mut Connection,
    schedule: &Schedule,
    (nominal, why): (Timestamp, &str),
    job: JobId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let new = NewJob::new(job, schedule.job_at(nominal));
    add(db, &[new], now).await?;
    let detail = format!("{} for {nominal}, {why}", schedule.name);
    let scheduled = NewEvent::of_job(job, EventKind::Scheduled, now).with(detail);
    events::insert(db, scheduled).await?;
    let made = firing(schedule, (nominal, why), Brought::Job(job), now);
    firings::put(db, &made).await
}

async fn rewind(db: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    for mut schedule in schedules::ahead(db, now).await? {
        if let Some(settled_until) = schedule.rewound(now) {
            schedule.settled_until = settled_until;
            schedules::update(db, &schedule).await?;
        }
    }
    Ok(())
}

fn firing(
    schedule: &Schedule,
    (nominal_at, why): (Timestamp, &str),
    brought: Brought,
    at: Timestamp,
) -> Firing {
    Firing {
        schedule: schedule.name.clone(),
        nominal_at,
        brought,
        detail: why.to_owned(),
        at,
    }
}
