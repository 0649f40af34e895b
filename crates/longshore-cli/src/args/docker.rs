//! Flags of `docker …`: containers that their caller drives.

use clap::{Args, Subcommand};
use longshore_service::Tail;

use crate::args::JobArgs;
use crate::args::SomeJobs;
use crate::completion;

/// `docker …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DockerCommand {
    /// Store a job and make its container without starting it; prints the container's id
    Create(MakeArgs),
    /// Store a job and start its container; prints the container's id
    Launch(MakeArgs),
    /// Start containers that were made
    Start(SomeJobs),
    /// Stop containers, and kill those that do not stop
    Stop(StopArgs),
    /// Remove containers; the record and the log stay
    #[command(visible_alias = "remove")]
    Rm(RmArgs),
    /// Show the output of a job's container
    Logs(OutputArgs),
    /// Show what a running container uses
    Stats(StatsArgs),
    /// Wait until containers have ended; prints their exit codes
    Wait(AwaitArgs),
    /// Show how containers stand: no-container, not-found, created, running, exited, error
    Status(SomeJobs),
    /// Collect exit code and log of containers that have ended, and remove them
    Harvest(SomeJobs),
    /// Stop jobs for good
    Cancel(SomeJobs),
    /// Run jobs anew, whatever became of them
    Restart(SomeJobs),
    /// List the containers of the hosts, and whose they are
    #[command(visible_alias = "ps")]
    Ls(LsArgs),
    /// Bring an image to a host
    Pull(PullArgs),
    /// Say whether hosts can be worked with
    Health(SomeHosts),
    /// Show the versions of the hosts' engines
    Version(SomeHosts),
    /// Remove what is left of ended jobs, also of those of the legacy system
    Cleanup(SweepArgs),
}

/// Arguments of `docker create` and `docker launch`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct MakeArgs {
    /// A job that is stored already and that its caller drives
    #[arg(long = "job", value_name = "JOB", conflicts_with_all = ["file", "argv"], add = completion::jobs())]
    pub(crate) existing: Option<String>,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// Arguments of `docker stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Seconds until it is killed
    #[arg(short, long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) time: u32,
    #[command(flatten)]
    pub(crate) jobs: SomeJobs,
}

/// Arguments of `docker rm`.
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Also those that run: they are killed, and their jobs cancelled
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) jobs: SomeJobs,
}

/// Arguments of `docker logs`.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Id, its beginning, short id, name, container id, or - for the newest
    #[arg(value_name = "JOB", add = completion::jobs())]
    pub(crate) job: String,
    /// Go on until the container ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only the last so many lines, or all
    #[arg(long, value_name = "LINES", default_value = "all", value_parser = parse_tail)]
    pub(crate) tail: Tail,
    /// Show when each line was written
    #[arg(short, long)]
    pub(crate) timestamps: bool,
}

/// Arguments of `docker stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// A job, or any container's id or name
    #[arg(value_name = "JOB|CONTAINER", add = completion::jobs())]
    pub(crate) subject: String,
    /// Only on this host [default: all]
    #[arg(long, value_name = "NAME", add = completion::hosts())]
    pub(crate) host: Option<String>,
    /// Print the engine's own document
    #[arg(long)]
    pub(crate) raw: bool,
}

/// Arguments of `docker wait`.
#[derive(Debug, Args)]
pub(crate) struct AwaitArgs {
    /// Give up waiting after this time, such as 10m; the containers are left alone
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    #[command(flatten)]
    pub(crate) jobs: SomeJobs,
}

/// Arguments of `docker ls`.
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Also those that do not run
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Only on this host [default: all]
    #[arg(long, value_name = "NAME", add = completion::hosts())]
    pub(crate) host: Option<String>,
    /// Print full ids and texts
    #[arg(long)]
    pub(crate) no_trunc: bool,
}

/// Arguments of `docker pull`.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Image, with tag or digest
    pub(crate) image: String,
    /// Only to this host [default: all]
    #[arg(long, value_name = "NAME", add = completion::hosts())]
    pub(crate) host: Option<String>,
    /// Give up after this time, such as 10m
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
}

/// Hosts by name.
#[derive(Debug, Args)]
pub(crate) struct SomeHosts {
    /// Names [default: all]
    #[arg(value_name = "HOST", add = completion::hosts())]
    pub(crate) names: Vec<String>,
}

/// Arguments of `docker cleanup`.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Only what ended before this time
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(crate) older_than: String,
    /// Only on this host [default: all]
    #[arg(long, value_name = "NAME", add = completion::hosts())]
    pub(crate) host: Option<String>,
    /// Also ended containers of the legacy system whose jobs nobody knows
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Also volumes and networks with our label, and images that we pulled
    #[arg(long)]
    pub(crate) resources: bool,
    #[command(flatten)]
    pub(crate) doing: super::CleanupArgs,
}

fn parse_tail(text: &str) -> Result<Tail, String> {
    text.parse()
        .map_err(|_| "use a number of lines, or all".to_owned())
}
