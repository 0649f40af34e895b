//! What can be typed: the commands and their flags. Nothing is decided here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use longshore_core::outcome::JobStatus;

use crate::completion;

mod docker;
mod hosts;
mod import;
mod job_flags;
mod places;
mod queue;
mod reading;
mod schedules;

pub(crate) use docker::{
    AwaitArgs, DockerCommand, LsArgs, MakeArgs, OutputArgs, PullArgs, RmArgs, SomeHosts, StatsArgs,
    StopArgs, SweepArgs,
};
pub(crate) use hosts::{HostAdd, HostDrain, HostSet, HostTerms, HostsCommand, Kind};
pub(crate) use import::{DjangoArgs, ImportCommand};
pub(crate) use job_flags::{Flag, Given, JobFlags, Shape};
pub(crate) use places::{
    CleanupArgs, GcArgs, ImagesCommand, OnHosts, PolicyCommand, TemplatesCommand,
};
pub(crate) use queue::{QueueCommand, RetryArgs, Which};
pub(crate) use reading::{EventsArgs, JobsArgs, LogsArgs, WaitArgs};
pub(crate) use schedules::{ScheduleCommand, ScheduleCreate};

/// Runs container jobs to completion.
#[derive(Debug, Parser)]
#[command(
    name = "longshore",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Folder of the store, or postgres://USER@HOST/DATABASE
    /// [default: $XDG_DATA_HOME/longshore or ~/.local/share/longshore]
    #[arg(
        long,
        global = true,
        value_name = "DIR|URL",
        env = "LONGSHORE_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<PathBuf>,
    /// Folder of the logs; with PostgreSQL one that all machines share [default: in the store's folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LONGSHORE_LOGS",
        hide_env_values = true
    )]
    pub(crate) logs: Option<PathBuf>,
    /// Docker context that names the default host, when the pool has none
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but what was asked for
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour; NO_COLOR switches it off
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a job and stay with it: its output, its exit code
    Run(RunArgs),
    /// Store jobs for the workers; prints their ids
    Submit(SubmitArgs),
    /// List jobs
    #[command(visible_alias = "ps")]
    Jobs(JobsArgs),
    /// Show everything about jobs as JSON
    Inspect(SomeJobs),
    /// Show a job's output
    Logs(LogsArgs),
    /// Say why jobs are where they are: queued, delayed, running there and not elsewhere
    Explain(SomeJobs),
    /// Wait until jobs are final
    Wait(WaitArgs),
    /// Give jobs up
    Cancel(SomeJobs),
    /// Try finished jobs again
    Retry(RetryArgs),
    /// Show what happened
    Events(EventsArgs),
    /// What waits in the queues; pause and resume them
    Queue {
        #[command(subcommand)]
        command: Option<QueueCommand>,
    },
    /// Jobs that are made again and again, at their times
    #[command(subcommand, visible_alias = "schedules")]
    Schedule(ScheduleCommand),
    /// Move queued jobs until told to stop
    Worker(WorkerArgs),
    /// Places where jobs run
    #[command(subcommand)]
    Hosts(HostsCommand),
    /// Images on the hosts
    #[command(subcommand)]
    Images(ImagesCommand),
    /// Stored environment templates
    #[command(subcommand, visible_alias = "env")]
    Templates(TemplatesCommand),
    /// What the pool allows and its defaults
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look for what is broken, and say how to repair it
    Doctor(DoctorArgs),
    /// Remove what is left of ended jobs from the hosts
    Cleanup(CleanupArgs),
    /// Containers that you drive yourself, step by step
    #[command(subcommand)]
    Docker(DockerCommand),
    /// Take over what another system kept
    #[command(subcommand)]
    Import(ImportCommand),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the JSON Schema of job files
    Schema,
    /// Explain a command or a topic, such as exit-codes
    Help(HelpArgs),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct RunArgs {
    /// Store the job, print its id and go
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Accepted for docker's sake: containers are always removed
    #[arg(long)]
    pub(crate) rm: bool,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// Arguments of `submit`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// What describes a job, for `run` and `submit`.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// Job file, TOML or JSON; - is standard input; flags override it
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Not before this time has passed, such as 10m
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    pub(crate) delay: Option<String>,
    /// Not before this moment, such as 2026-11-23T18:00:00+01:00
    #[arg(long, value_name = "MOMENT")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) flags: JobFlags,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    pub(crate) help: Option<bool>,
    /// Image, then the command and its arguments as they are
    #[arg(value_names = ["IMAGE", "COMMAND"], trailing_var_arg = true, num_args = 0.., value_hint = clap::ValueHint::CommandWithArguments)]
    pub(crate) argv: Vec<String>,
}

/// Jobs by id, unique prefix, name, or `-` for the newest.
#[derive(Debug, Args)]
pub(crate) struct SomeJobs {
    /// Id, its beginning, short id, name of a job or an array, or - for the newest
    #[arg(required = true, value_name = "JOB", add = completion::jobs())]
    pub(crate) jobs: Vec<String>,
}

/// Arguments of `worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// When told to stop, finish what runs first
    #[arg(long)]
    pub(crate) drain: bool,
    /// Most attempts at one time in this worker
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) slots: Option<u32>,
    /// End when no job is left to move
    #[arg(long)]
    pub(crate) exit_when_empty: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Look at these hosts alone [default: the store and all hosts]
    #[arg(value_name = "HOST", add = completion::hosts())]
    pub(crate) hosts: Vec<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `help`.
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, or exit-codes
    pub(crate) topic: Vec<String>,
}

/// Reads a status word.
pub(crate) fn parse_status(text: &str) -> Result<JobStatus, String> {
    text.parse().map_err(|_| {
        let words: Vec<&str> = JobStatus::ALL.iter().map(|status| status.word()).collect();
        format!("use one of {}", words.join(", "))
    })
}
