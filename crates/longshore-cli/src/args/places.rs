//! Flags of the commands about images, templates, policy and cleanup.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::completion;

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
