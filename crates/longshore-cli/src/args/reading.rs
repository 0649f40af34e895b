//! Flags of the commands that show jobs.

use clap::Args;
use longshore_core::outcome::JobStatus;
use longshore_core::spec::ScheduleName;

use crate::args::{Which, parse_status};
use crate::completion;

/// Arguments of `jobs`.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Only jobs with this status; may be repeated
    #[arg(long, value_name = "STATUS", value_parser = parse_status, value_delimiter = ',')]
    pub(crate) status: Vec<JobStatus>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Only jobs that this schedule made
    #[arg(long, value_name = "NAME", add = completion::schedules())]
    pub(crate) schedule: Option<ScheduleName>,
    /// Only the newest so many
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) last: Option<u32>,
    /// Print only ids
    #[arg(short = 'q', long)]
    pub(crate) ids: bool,
    /// Accepted for docker's sake: jobs of every status are listed
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Print full ids and texts
    #[arg(long)]
    pub(crate) no_trunc: bool,
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub(crate) struct LogsArgs {
    /// Id, its beginning, short id, name, or - for the newest
    #[arg(value_name = "JOB", add = completion::jobs())]
    pub(crate) job: String,
    /// Go on until the attempt ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only what is younger, as 10m or as a time such as 2026-11-23T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only the last so many lines
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<usize>,
    /// Show when each line was written
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// Only standard output
    #[arg(long, conflicts_with = "stderr")]
    pub(crate) stdout: bool,
    /// Only standard error
    #[arg(long)]
    pub(crate) stderr: bool,
    /// Which attempt, from 1 [default: the last]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempt: Option<u32>,
}

/// Arguments of `wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Id, its beginning, short id, name, or - for the newest
    #[arg(required = true, value_name = "JOB", add = completion::jobs())]
    pub(crate) jobs: Vec<String>,
    /// Until the first of them is final
    #[arg(long)]
    pub(crate) any: bool,
    /// Give up after this time, such as 10m; the jobs go on
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Only this job [default: all jobs]
    #[arg(value_name = "JOB", add = completion::jobs())]
    pub(crate) job: Option<String>,
    /// Go on: until the job is final, or until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
}
