//! Flags of the commands about hosts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use longshore_core::maintenance::MaintenanceWindow;
use longshore_core::spec::{ByteSize, Cpus, TimeLimit};

use crate::completion;

/// `hosts …`.
#[derive(Debug, Subcommand)]
pub(crate) enum HostsCommand {
    /// Add a host to the pool
    Add(HostAdd),
    /// Change what is said of a host
    Set(HostSet),
    /// List the hosts
    #[command(visible_alias = "ls")]
    List,
    /// Ask hosts who and how they are
    Check {
        /// Names [default: all]
        #[arg(value_name = "HOST", add = completion::hosts())]
        names: Vec<String>,
    },
    /// Place nothing new on hosts; what runs there goes on
    Cordon(SomeNamedHosts),
    /// Place jobs on hosts again: ends cordon and drain, and closes their breakers
    Uncordon(SomeNamedHosts),
    /// Empty a host: nothing new is placed there, and what still runs at the deadline is stopped and
    /// tried again elsewhere, at no cost of its retries
    Drain(HostDrain),
    /// Take a host out of the pool
    #[command(visible_alias = "remove")]
    Rm {
        /// Its name
        #[arg(value_name = "HOST", add = completion::hosts())]
        name: String,
    },
}

/// Hosts by name, at least one.
#[derive(Debug, Args)]
pub(crate) struct SomeNamedHosts {
    /// Their names
    #[arg(required = true, value_name = "HOST", add = completion::hosts())]
    pub(crate) names: Vec<String>,
}

/// Arguments of `hosts drain`.
#[derive(Debug, Args)]
pub(crate) struct HostDrain {
    /// Its name
    #[arg(value_name = "HOST", add = completion::hosts())]
    pub(crate) name: String,
    /// Stop what still runs after this time, such as 30m [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<TimeLimit>,
    /// Return when nothing of ours runs there any more
    #[arg(long)]
    pub(crate) wait: bool,
}

/// What runs the containers of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A Docker Engine
    Docker,
    /// This machine, without an engine
    Oci,
}

/// Arguments of `hosts add`.
#[derive(Debug, Args)]
pub(crate) struct HostAdd {
    /// Its name in the pool
    pub(crate) name: String,
    /// unix:///path, tcp://host:port or ssh://user@host, or oci:///path for this machine without an
    /// engine [default: the environment's Docker host]
    pub(crate) address: Option<String>,
    /// What runs containers there [default: as the address says]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// Folder with ca.pem, cert.pem and key.pem for tcp over TLS
    #[arg(long, value_name = "DIR", requires = "address")]
    pub(crate) tls_dir: Option<PathBuf>,
    /// Do not check the server's certificate
    #[arg(long, requires = "tls_dir")]
    pub(crate) tls_no_verify: bool,
    /// Do not pull images that it lacks; a job that needs one fails there
    #[arg(long)]
    pub(crate) no_auto_pull: bool,
    /// Label of the host, as KEY=VALUE; jobs ask for it by --on KEY=VALUE
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<String>,
    #[command(flatten)]
    pub(crate) terms: HostTerms,
    /// Add it even if it does not answer now
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// Arguments of `hosts set`.
#[derive(Debug, Args)]
pub(crate) struct HostSet {
    /// Its name
    #[arg(value_name = "HOST", add = completion::hosts())]
    pub(crate) name: String,
    /// Set a label, as KEY=VALUE, or take it away, as KEY-
    #[arg(short, long, value_name = "KEY=VALUE|KEY-")]
    pub(crate) label: Vec<String>,
    /// Pull images that it lacks, or not
    #[arg(long, value_name = "true|false")]
    pub(crate) auto_pull: Option<bool>,
    /// Give all CPUs and all memory again, as far as not set by this same line
    #[arg(long)]
    pub(crate) whole: bool,
    /// Forget its maintenance windows
    #[arg(long, conflicts_with = "maintenance")]
    pub(crate) no_maintenance: bool,
    #[command(flatten)]
    pub(crate) terms: HostTerms,
}

/// How much of a host the pool uses, and when.
#[derive(Debug, Args)]
pub(crate) struct HostTerms {
    /// Most attempts at one time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) slots: Option<u32>,
    /// Preference among hosts, 1 to 1000
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) weight: Option<u32>,
    /// CPUs that jobs may be given there together [default: four times what it has]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpus: Option<Cpus>,
    /// Memory that jobs may be given there together, such as 24g [default: what it has]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,
    /// Time in which nothing new is placed there, as 'CRON for TIME', such as '0 2 * * 6 for 2h'
    #[arg(long, value_name = "WINDOW")]
    pub(crate) maintenance: Vec<MaintenanceWindow>,
    /// Time zone of the maintenance, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", requires = "maintenance")]
    pub(crate) time_zone: Option<String>,
}
