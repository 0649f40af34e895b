//! `import`: what another system kept becomes ours, once.

use longshore_core::with_causes;
use longshore_import::{Database, Doing, ImportError, Options, import};

use crate::args::{DjangoArgs, ImportCommand};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::import_view;
use crate::render::views;
use crate::session::Session;

pub(super) async fn run(session: &Session, command: ImportCommand) -> Result<u8, Failure> {
    match command {
        ImportCommand::Django(args) => django(session, &args).await,
    }
}

async fn django(session: &Session, args: &DjangoArgs) -> Result<u8, Failure> {
    let database: Database = args
        .database
        .parse()
        .map_err(|error| Failure::usage(format!("--database: {error}")))?;
    let database = database.seen_from(&session.around.folder);
    let doing = if args.dry_run {
        Doing::Plan
    } else {
        Doing::Apply
    };
    let backstage = &session.backstage;
    let options = Options {
        doing,
        now: session.now(),
        handle_of: &|id| backstage.to_handle(id),
    };
    let report = import(session.store().await?, &database, options).await?;
    if session.global.json {
        let view = import_view::json(&report, doing);
        session.console.print(&views::pretty(&view))?;
        return Ok(SUCCESS);
    }
    session
        .console
        .print(&import_view::counts(&report, session.look()))?;
    if let Some(remarks) = import_view::remarks(&report, session.look()) {
        session.console.print(&remarks)?;
    }
    if args.dry_run {
        session
            .console
            .say("nothing was taken: the same without --dry-run does it");
    }
    Ok(SUCCESS)
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let text = with_causes(&error);
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Log(error) => error.into(),
            ImportError::NoFile { .. } => Self::refused(text)
                .hint("a relative path is written with one colon alone: sqlite:db.sqlite3"),
            ImportError::Silent { .. } | ImportError::Read { .. } => Self::refused(text)
                .hint("what was taken stays; the same command goes on where it stopped"),
            ImportError::Open { .. } | ImportError::OtherTables { .. } => Self::refused(text),
        }
    }
}
