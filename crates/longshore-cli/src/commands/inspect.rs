//! `inspect`: everything about jobs, as JSON; values of variables are hidden.

use crate::args::SomeJobs;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::views::{self, InspectView};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: SomeJobs) -> Result<u8, Failure> {
    let hosts = session.host_names().await?;
    let mut views = Vec::new();
    for job in session.jobs(&args.jobs).await? {
        let store = session.store().await?;
        let attempts = store.attempts(job.id).await?;
        let waits = store.waits(job.id).await?;
        let made_by = store.firing_of(job.id).await?;
        views.push(InspectView::new(&job, &waits, &attempts, &hosts).made_by(made_by));
    }
    session.console.print(&views::pretty(&views))?;
    Ok(SUCCESS)
}
