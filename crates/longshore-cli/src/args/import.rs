//! Flags of `import …`: what another system kept.

use clap::{Args, Subcommand};

/// `import …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Take hosts, environment templates and jobs with their logs from a database of
    /// django-container-manager; nothing is changed there, and it can be repeated
    Django(DjangoArgs),
}

/// Arguments of `import django`.
#[derive(Debug, Args)]
pub(crate) struct DjangoArgs {
    /// sqlite:PATH or postgres://USER@HOST/NAME; a password may stand in PGPASSWORD or ~/.pgpass
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        required = true
    )]
    pub(crate) database: String,
    /// Only show what would be taken
    #[arg(long)]
    pub(crate) dry_run: bool,
}
