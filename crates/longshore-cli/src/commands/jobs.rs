//! `jobs`: what there is and how far it has come.

use longshore_core::job::Job;
use longshore_core::limits::PAGE;

use crate::args::JobsArgs;
use crate::commands::which;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::render::dead_view;
use crate::render::tables::{self, Look};
use crate::render::views::{self, JobView};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: JobsArgs) -> Result<u8, Failure> {
    let wanted = args.last.unwrap_or(PAGE);
    let mut filter = which::filter(session, &args.which).await?;
    filter.statuses.extend(&args.status);
    filter.schedule = args.schedule.clone();
    let jobs = which::read(session, filter, wanted).await?;
    if args.ids {
        for job in &jobs {
            let id = if args.no_trunc {
                job.id.to_string()
            } else {
                job.id.short()
            };
            session.console.print(&id)?;
        }
        return Ok(SUCCESS);
    }
    let hosts = session.host_names().await?;
    let silences = session.silences().await?;
    if session.global.json {
        let view = |job: &Job| JobView::new(job, &hosts).unknown(silences.of_job(job.id));
        let views: Vec<JobView> = jobs.iter().map(view).collect();
        session.console.print(&views::pretty(&views))?;
        return Ok(SUCCESS);
    }
    let look = Look {
        full: args.no_trunc,
        ..session.look()
    };
    let table = if args.which.dead {
        dead_view::table(&jobs, look)
    } else {
        tables::jobs(&jobs, &hosts, &silences, look)
    };
    session.console.print(&table)?;
    if args.which.dead && !jobs.is_empty() {
        session
            .console
            .say("`longshore retry ID` tries one again, `longshore retry --dead` all of them");
    }
    if args.last.is_none() && jobs.len() >= PAGE as usize {
        session
            .console
            .say(&format!("the newest {PAGE}; -n NUMBER shows more"));
    }
    Ok(SUCCESS)
}
