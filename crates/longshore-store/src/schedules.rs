//! Schedules: made, changed, paused and removed by people.

use longshore_core::schedule::Schedule;
use longshore_core::spec::ScheduleName;
use longshore_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::error::StoreError;
use crate::firing;
use crate::rows::firings::{self, Firing};
use crate::rows::schedules;
use crate::store::Store;

impl Store {
    /// Adds a schedule.
    ///
    /// # Errors
    /// Its name is taken, or the store is busy, full or damaged.
    pub async fn add_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        let schedule = schedule.clone();
        self.write(move |db| {
            Box::pin(async move {
                if schedules::insert(db, &schedule).await? {
                    return Ok(());
                }
                Err(StoreError::NameTaken {
                    what: "schedule",
                    name: schedule.name.to_string(),
                })
            })
        })
        .await
    }

    /// Replaces the schedule of the same name; what its times brought stays known.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn update_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        let schedule = schedule.clone();
        self.write(move |db| Box::pin(async move { update(db, &schedule).await }))
            .await
    }

    /// All schedules, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        schedules::list(&mut self.readers().acquire().await?).await
    }

    /// The schedule of this name.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Schedule, StoreError> {
        find(&mut self.readers().acquire().await?, name).await
    }

    /// Lets a schedule fire nothing until it is resumed.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn pause_schedule(
        &self,
        name: &ScheduleName,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(name, move |schedule| {
            schedule.paused_at = schedule.paused_at.or(Some(now));
            schedule.updated_at = now;
        })
        .await
    }

    /// Lets a schedule fire again, from now on: times that passed meanwhile were not missed.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn resume_schedule(
        &self,
        name: &ScheduleName,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(name, move |schedule| {
            if schedule.paused_at.take().is_some() {
                schedule.settled_until = now;
                schedule.updated_at = now;
            }
        })
        .await
    }

    /// Makes a job of a schedule now, whatever its times and its other jobs are.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn run_schedule(
        &self,
        name: &ScheduleName,
        job: JobId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |db| {
            Box::pin(async move {
                let schedule = find(db, &name).await?;
                firing::submit(db, &schedule, (now, "run by hand"), job, now).await
            })
        })
        .await
    }

    /// Removes a schedule; its jobs stay.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |db| {
            Box::pin(async move {
                if schedules::delete(db, &name).await? {
                    return Ok(());
                }
                Err(not_found(&name))
            })
        })
        .await
    }

    /// What the last times of a schedule brought, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn firings(
        &self,
        name: &ScheduleName,
        limit: u32,
    ) -> Result<Vec<Firing>, StoreError> {
        firings::newest(&mut self.readers().acquire().await?, name, limit).await
    }

    /// The schedule and the time that a job was made for; `None` for one that somebody submitted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn firing_of(&self, job: JobId) -> Result<Option<Firing>, StoreError> {
        firings::of_job(&mut self.readers().acquire().await?, job).await
    }

    async fn change(
        &self,
        name: &ScheduleName,
        change: impl FnOnce(&mut Schedule) + Send + 'static,
    ) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |db| {
            Box::pin(async move {
                let mut schedule = find(db, &name).await?;
                change(&mut schedule);
                update(db, &schedule).await
            })
        })
        .await
    }
}

async fn find(db: &mut Connection, name: &ScheduleName) -> Result<Schedule, StoreError> {
    let schedule = schedules::get(db, name).await?;
    schedule.ok_or_else(|| not_found(name))
}

async fn update(db: &mut Connection, schedule: &Schedule) -> Result<(), StoreError> {
    if schedules::update(db, schedule).await? {
        return Ok(());
    }
    Err(not_found(&schedule.name))
}

fn not_found(name: &ScheduleName) -> StoreError {
    StoreError::not_found("schedule", name.as_str())
}
