//! `queue`: what waits, and which queues start nothing.

use longshore_core::spec::QueueName;

use crate::args::QueueCommand;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::queue_view::{self, QueueView};
use crate::render::views;
use crate::session::Session;

pub(super) async fn run(session: &Session, command: Option<QueueCommand>) -> Result<u8, Failure> {
    match command.unwrap_or(QueueCommand::List) {
        QueueCommand::List => list(session).await?,
        QueueCommand::Pause { name, reason } => pause(session, &name, reason.as_deref()).await?,
        QueueCommand::Resume { name } => resume(session, &name).await?,
    }
    Ok(SUCCESS)
}

async fn list(session: &Session) -> Result<(), Failure> {
    let queues = session.store().await?.queues().await?;
    let views: Vec<_> = queues
        .iter()
        .map(|(name, queue)| QueueView::new(name, queue))
        .collect();
    let text = if session.global.json {
        views::pretty(&views)
    } else {
        queue_view::table(&views, session.look())
    };
    Ok(session.console.print(&text)?)
}

async fn pause(session: &Session, name: &QueueName, reason: Option<&str>) -> Result<(), Failure> {
    let store = session.store().await?;
    let is_known = store.queues().await?.contains_key(name);
    store.pause_queue(name, reason, session.now()).await?;
    session.console.print(name.as_str())?;
    if !is_known {
        let note = format!("no job is in queue {name} now; it is paused for those to come");
        session.console.say(&note);
    }
    Ok(())
}

async fn resume(session: &Session, name: &QueueName) -> Result<(), Failure> {
    let was_paused = session.store().await?.resume_queue(name).await?;
    if !was_paused {
        let failure = Failure::refused(format!("queue {name} is not paused"));
        return Err(failure.hint("`longshore queue` shows all of them"));
    }
    Ok(session.console.print(name.as_str())?)
}
