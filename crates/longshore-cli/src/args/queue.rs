//! Flags about queues, and those that choose among all jobs.

use clap::{Args, Subcommand};
use longshore_core::spec::{OwnerName, QueueName};

/// `queue …`.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// List the queues: what waits, what runs, which are paused
    #[command(visible_alias = "ls")]
    List,
    /// Let a queue start nothing more; what runs goes on
    Pause {
        /// Its name
        name: QueueName,
        /// Why, for whoever asks
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Open a paused queue again
    Resume {
        /// Its name
        name: QueueName,
    },
}

/// Which jobs are meant; everything that is set must hold.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Only jobs of this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only jobs with this label, as KEY=VALUE
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) label: Option<String>,
    /// Only jobs of this owner
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<OwnerName>,
    /// Only jobs of this queue
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<QueueName>,
    /// Only jobs of this array, by its name or id
    #[arg(long, value_name = "ARRAY")]
    pub(crate) array: Option<String>,
    /// Only dead jobs: failed or out of time, with what ended them
    #[arg(long)]
    pub(crate) dead: bool,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Id, its beginning, short id, name of a job or an array, or - for the newest
    #[arg(value_name = "JOB", required_unless_present = "dead", conflicts_with = "dead", add = crate::completion::jobs())]
    pub(crate) jobs: Vec<String>,
    #[command(flatten)]
    pub(crate) which: Which,
}
