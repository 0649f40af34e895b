//! `worker`: moves queued jobs until told to stop.

use tokio::sync::watch;

use crate::args::WorkerArgs;
use crate::backstage::{Stop, WorkerOptions};
use crate::commands::placement::Places;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: WorkerArgs) -> Result<u8, Failure> {
    let mut interrupts = session.interrupts()?;
    let store = session.store().await?;
    let places = Places::look(session, store).await?;
    places.require_some()?;
    places.register(session, store).await?;
    let options = WorkerOptions {
        slots: args.slots,
        exit_when_empty: args.exit_when_empty,
        ..WorkerOptions::default()
    };
    let (stop, told) = watch::channel(Stop::Never);
    let mut work = std::pin::pin!(session.backstage.work(store, options, told));
    session.console.say("worker started; Ctrl-C stops it");
    let mut next = if args.drain { Stop::Drain } else { Stop::Leave };
    loop {
        tokio::select! {
            biased;
            worked = &mut work => {
                worked?;
                session.console.say("worker ended");
                return Ok(SUCCESS);
            }
            () = interrupts.next() => {
                if *stop.borrow() == Stop::Leave {
                    session.console.say("leaving at once; the next worker goes on where this one was");
                    return Ok(SUCCESS);
                }
                session.console.say(farewell(next));
                stop.send_replace(next);
                next = Stop::Leave;
            }
        }
    }
}

fn farewell(stop: Stop) -> &'static str {
    match stop {
        Stop::Drain => "finishing what runs; once more leaves it to the next worker",
        Stop::Leave => "leaving running containers to the next worker; once more leaves at once",
        Stop::Never => "",
    }
}
