//! Flags of the commands about schedules.

use clap::{Args, Subcommand};
use longshore_core::schedule::{Missed, Overlap};
use longshore_core::spec::ScheduleName;

use crate::args::JobArgs;
use crate::completion;

/// `schedule …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Make a job again and again, at the times of a cron pattern or a steady interval
    Create(Box<ScheduleCreate>),
    /// List the schedules
    #[command(visible_alias = "ls")]
    List,
    /// Show a schedule, and what its last times brought
    Show {
        #[command(flatten)]
        which: OneSchedule,
        /// So many of its last times
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        last: u32,
    },
    /// Show the next times of a schedule
    Next {
        #[command(flatten)]
        which: OneSchedule,
        /// So many
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 5)]
        count: usize,
    },
    /// Make no jobs until resumed
    Pause(OneSchedule),
    /// Make jobs again, from now on: what passed meanwhile was not missed
    Resume(OneSchedule),
    /// Make a job now, whatever the times are; prints its id
    Run(OneSchedule),
    /// Remove a schedule; its jobs stay
    #[command(visible_alias = "remove")]
    Rm(OneSchedule),
}

/// A schedule by its name.
#[derive(Debug, Args)]
pub(crate) struct OneSchedule {
    /// Its name
    #[arg(value_name = "NAME", add = completion::schedules())]
    pub(crate) schedule: ScheduleName,
}

/// Arguments of `schedule create`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
#[group(skip)]
pub(crate) struct ScheduleCreate {
    /// Name of the schedule
    #[arg(value_name = "NAME")]
    pub(crate) schedule: ScheduleName,
    /// When, as minute hour day month weekday, such as '0 3 * * 1-5'
    #[arg(long, value_name = "PATTERN", required_unless_present = "every", help_heading = TIMES)]
    pub(crate) cron: Option<String>,
    /// Time zone of the pattern, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", conflicts_with = "every", help_heading = TIMES)]
    pub(crate) zone: Option<String>,
    /// When, as a steady interval, such as 15m
    #[arg(long, value_name = "TIME", conflicts_with = "cron", help_heading = TIMES)]
    pub(crate) every: Option<String>,
    /// While the job before is not over: allow, skip, queue or replace
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = TIMES)]
    pub(crate) overlap: Overlap,
    /// After times at which no worker was there: skip, once or all
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = TIMES)]
    pub(crate) missed: Missed,
    /// Replace the schedule of this name, if there is one; the past is not fired
    #[arg(long, help_heading = TIMES)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

const TIMES: &str = "Times";
