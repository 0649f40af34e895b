//! Flags of the commands about hosts, images, templates, policy and cleanup.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::completion;

/// `hosts …`.
#[derive(Debug, Subcommand)]
pub(crate) enum HostsCommand {
    /// Add a host to the pool
    Add(HostAdd),
    /// List the hosts
    #[command(visible_alias = "ls")]
    List,
    /// Ask hosts who and how they are
    Check {
        /// Names [default: all]
        #[arg(value_name = "HOST", add = completion::hosts())]
        names: Vec<String>,
    },
    /// Take a host out of the pool
    #[command(visible_alias = "remove")]
    Rm {
        /// Its name
        #[arg(value_name = "HOST", add = completion::hosts())]
        name: String,
    },
}

/// Arguments of `hosts add`.
#[derive(Debug, Args)]
pub(crate) struct HostAdd {
    /// Its name in the pool
    pub(crate) name: String,
    /// unix:///path, tcp://host:port or ssh://user@host [default: the environment's Docker host]
    pub(crate) address: Option<String>,
    /// Folder with ca.pem, cert.pem and key.pem for tcp over TLS
    #[arg(long, value_name = "DIR", requires = "address")]
    pub(crate) tls_dir: Option<PathBuf>,
    /// Do not check the server's certificate
    #[arg(long, requires = "tls_dir")]
    pub(crate) tls_no_verify: bool,
    /// Most attempts at one time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) slots: Option<u32>,
    /// Preference among hosts, 1 to 1000
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) weight: u32,
    /// Do not pull images that it lacks; a job that needs one fails there
    #[arg(long)]
    pub(crate) no_auto_pull: bool,
    /// Label of the host, as KEY=VALUE
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<String>,
    /// Add it even if it does not answer now
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// `images …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Bring an image to hosts
    Pull {
        /// Image, with tag or digest
        image: String,
        /// Only to this host [default: all]
        #[arg(long, value_name = "NAME", add = completion::hosts())]
        host: Option<String>,
        /// Platform of the image, such as linux/amd64
        #[arg(long, value_name = "OS/ARCH")]
        platform: Option<String>,
    },
    /// List the images on the hosts
    #[command(visible_alias = "ls")]
    List {
        /// Only on this host [default: all]
        #[arg(long, value_name = "NAME", add = completion::hosts())]
        host: Option<String>,
    },
}

/// `templates …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplatesCommand {
    /// Store a template, replacing one of the same name
    Set {
        /// Its name
        name: String,
        /// File with NAME=value lines; - is standard input
        file: PathBuf,
        /// Free text for people
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the templates
    #[command(visible_alias = "ls")]
    List,
    /// Show a template; values are hidden
    Show {
        /// Its name
        #[arg(add = completion::templates())]
        name: String,
        /// Show the values too
        #[arg(long)]
        reveal: bool,
    },
    /// Remove a template; jobs that used it keep their variables
    #[command(visible_alias = "remove")]
    Rm {
        /// Its name
        #[arg(add = completion::templates())]
        name: String,
    },
}

/// `policy …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the policy
    Show,
    /// Set one value, such as default_memory 1g or allow_privileged true
    Set {
        /// Which
        key: String,
        /// The value
        value: String,
    },
    /// Allow bind mounts from this folder of the hosts and below
    AllowBind {
        /// An absolute path
        path: PathBuf,
    },
    /// Take such a permission back
    DenyBind {
        /// The path as it was allowed
        path: PathBuf,
    },
}

/// Arguments of `cleanup`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct CleanupArgs {
    /// Show what would be removed
    #[arg(long)]
    pub(crate) plan: bool,
    /// Remove it
    #[arg(long)]
    pub(crate) apply: bool,
}
