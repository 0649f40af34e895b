//! Flags of the commands about images, templates, policy and cleanup.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use longshore_core::spec::ByteSize;

use crate::completion;

/// `images …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Bring images to hosts, so that jobs find them there
    Pull {
        /// Images, with tag or digest
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
        #[command(flatten)]
        hosts: OnHosts,
        /// Platform of the images, such as linux/amd64
        #[arg(long, value_name = "OS/ARCH")]
        platform: Option<String>,
    },
    /// List the images on the hosts, and which of them longshore pulled
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        hosts: OnHosts,
    },
    /// Bring images from a file to hosts without an engine: what `docker save` writes, or an OCI layout
    Import {
        /// An archive, or the folder of a layout
        file: PathBuf,
        /// Name of the image, where there is one alone in it [default: the names in it]
        #[arg(long, value_name = "IMAGE")]
        name: Option<String>,
        #[command(flatten)]
        hosts: OnHosts,
    },
    /// Remove images from hosts, unless a container uses them
    #[command(visible_alias = "remove")]
    Rm {
        /// Images, with tag or digest
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
        #[command(flatten)]
        hosts: OnHosts,
    },
    /// Remove images that longshore pulled and nothing needs any more; others are never touched
    Gc(GcArgs),
}

/// Some hosts, or all.
#[derive(Clone, Debug, Args)]
pub(crate) struct OnHosts {
    /// Only these hosts, by name, with commas between them, or all [default: all]
    #[arg(long, alias = "host", value_name = "NAMES", value_delimiter = ',', add = completion::hosts())]
    pub(crate) hosts: Vec<String>,
}

/// Arguments of `images gc`.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    #[command(flatten)]
    pub(crate) hosts: OnHosts,
    /// Remove what no attempt has used for so long [default: 14d, or 0 with --keep-storage]
    #[arg(long, value_name = "TIME")]
    pub(crate) older_than: Option<String>,
    /// Remove only as long as these images take more than this on a host, such as 20g
    #[arg(long, value_name = "SIZE")]
    pub(crate) keep_storage: Option<ByteSize>,
    /// Show what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
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
