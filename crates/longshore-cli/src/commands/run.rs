//! `run`: a job and its output, to its end, with its exit code; needs no other process.

use std::sync::Arc;
use std::time::Duration;

use longshore_core::JobId;
use longshore_core::job::Job;
use longshore_store::CancelAnswer;
use tokio::sync::watch;

use crate::args::RunArgs;
use crate::backstage::{Stop, WorkerOptions};
use crate::commands::attend::attend;
use crate::commands::ending;
use crate::commands::intake::{self, When};
use crate::commands::narrate::{self, Narrator};
use crate::commands::waiting::tell_why;
use crate::exit_code::{self, CANCELLED, SUCCESS};
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::session::Session;

/// The removal of the container may take so long after the job's end; others finish it.
const LINGER: Duration = Duration::from_secs(10);
/// A worker that was told to leave is given so long.
const LEAVE: Duration = Duration::from_secs(5);

pub(super) async fn run(session: &Session, args: RunArgs) -> Result<u8, Failure> {
    let when = if args.detach {
        When::Sometime
    } else {
        When::Now
    };
    let jobs = intake::take_in(session, &args.job, when).await?;
    if jobs.len() != 1 {
        return Err(
            Failure::usage(format!("these are {} jobs, run takes one", jobs.len()))
                .hint("`longshore submit -f FILE` takes many, and `longshore submit --array 0-99` makes many"),
        );
    }
    // From here on Ctrl-C is ours: a job that is stored is never forgotten silently.
    let interrupts = session.interrupts()?;
    let submitted = session.store().await?.submit(&jobs, session.now()).await?;
    let id = submitted.first().map_or(jobs[0].id, |job| job.id);
    if args.detach {
        session.console.print(&id.to_string())?;
        session.console.say(&format!(
            "stored; a worker moves it: `longshore worker`; {}",
            next_steps(id)
        ));
        return Ok(SUCCESS);
    }
    match Box::pin(stay(session, id, interrupts)).await? {
        Stayed::Final(job) => {
            ending::report(session, &job).await?;
            Ok(exit_code::of_job(&job))
        }
        Stayed::Detached => {
            session
                .console
                .complain(&format!("detached, the job goes on; {}", next_steps(id)));
            Ok(CANCELLED)
        }
    }
}

/// How staying with a job ended.
enum Stayed {
    Final(Box<Job>),
    Detached,
}

/// Moves the job in this process and shows its output, unless somebody else moves it.
async fn stay(session: &Session, id: JobId, mut interrupts: Interrupts) -> Result<Stayed, Failure> {
    let narrator = Narrator::new(session);
    let (stop, told) = watch::channel(Stop::Never);
    let options = worker_options(id, &narrator);
    let store = session.store().await?;
    let mut work = std::pin::pin!(session.backstage.work(store, options, told));
    let mut attending = std::pin::pin!(attend(session, id, &narrator));
    let mut telling = std::pin::pin!(narrator.tell(id));
    let mut wondering = std::pin::pin!(tell_why(session, id, &narrator));
    let mut is_working = true;
    let mut is_warned = false;
    let stayed = loop {
        tokio::select! {
            biased;
            job = &mut attending => break job.map(|job| Stayed::Final(Box::new(job))),
            told = &mut telling => break told.map(|never| match never {}),
            told = &mut wondering => break told.map(|never| match never {}),
            worked = &mut work, if is_working => {
                is_working = false;
                if let Err(trouble) = worked {
                    break Err(abandoned(id, trouble.into()));
                }
            }
            () = interrupts.next() => {
                if is_warned {
                    break Ok(Stayed::Detached);
                }
                is_warned = true;
                ask_to_stop(session, id).await?;
            }
        }
    };
    narrator.give_way();
    if is_working {
        let patience = match &stayed {
            Ok(Stayed::Final(_)) => LINGER,
            Ok(Stayed::Detached) | Err(_) => Duration::ZERO,
        };
        // Whatever it could not finish, the next worker will.
        if tokio::time::timeout(patience, &mut work).await.is_err() {
            stop.send_replace(Stop::Leave);
            let _ = tokio::time::timeout(LEAVE, &mut work).await;
        }
    }
    stayed
}

fn worker_options(id: JobId, narrator: &Narrator<'_>) -> WorkerOptions {
    let bar = narrator.bar();
    WorkerOptions {
        only_job: Some(id),
        on_pull: Some(Arc::new(move |_, progress| {
            bar.set_message(format!("pulling: {}", narrate::pull_text(progress)));
        })),
        ..WorkerOptions::default()
    }
}

async fn ask_to_stop(session: &Session, id: JobId) -> Result<(), Failure> {
    match session
        .store()
        .await?
        .request_cancel(id, session.now())
        .await?
    {
        CancelAnswer::Requested => {
            session
                .console
                .say("\nasked the job to stop; Ctrl-C again leaves it alone and detaches");
        }
        CancelAnswer::Cancelled | CancelAnswer::AlreadyFinal(_) | CancelAnswer::OfService => {}
    }
    Ok(())
}

fn abandoned(id: JobId, failure: Failure) -> Failure {
    failure.hint(format!("the job stays: {}", next_steps(id)))
}

fn next_steps(id: JobId) -> String {
    let short = id.short();
    format!("follow it by `longshore logs -f {short}`, give it up by `longshore cancel {short}`")
}
