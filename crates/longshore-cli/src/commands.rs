//! One file per command; here only which is which.

use crate::args::Command;
use crate::failure::Failure;
use crate::session::Session;

mod attend;
mod batch;
mod cancel;
mod cleanup;
mod completions;
mod docker;
mod doctor;
mod ending;
mod events;
mod explain;
mod gates;
mod help;
mod hosts;
mod images;
mod import;
mod inspect;
mod intake;
mod jobs;
mod logs;
mod narrate;
mod outlook;
mod placement;
mod policy;
mod queue;
mod retry;
mod run;
mod schedules;
mod schema;
mod submit;
mod templates;
mod wait;
mod waiting;
mod which;
mod worker;

/// Carries a command out; the answer is its exit code.
pub(crate) async fn run(session: &Session, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run::run(session, args).await,
        Command::Submit(args) => submit::run(session, args).await,
        Command::Jobs(args) => jobs::run(session, args).await,
        Command::Inspect(args) => inspect::run(session, args).await,
        Command::Explain(args) => explain::run(session, args).await,
        Command::Logs(args) => logs::run(session, args).await,
        Command::Wait(args) => wait::run(session, args).await,
        Command::Cancel(args) => cancel::run(session, args).await,
        Command::Retry(args) => retry::run(session, args).await,
        Command::Events(args) => events::run(session, args).await,
        Command::Queue { command } => queue::run(session, command).await,
        Command::Schedule(command) => schedules::run(session, command).await,
        Command::Worker(args) => worker::run(session, args).await,
        Command::Hosts(command) => hosts::run(session, command).await,
        Command::Images(command) => images::run(session, command).await,
        Command::Templates(command) => templates::run(session, command).await,
        Command::Policy(command) => policy::run(session, command).await,
        Command::Doctor(args) => doctor::run(session, &args.hosts).await,
        Command::Cleanup(args) => cleanup::run(session, args).await,
        Command::Docker(command) => docker::run(session, command).await,
        Command::Import(command) => import::run(session, command).await,
        Command::Completions(args) => completions::run(session, &args),
        Command::Schema => schema::run(session),
        Command::Help(args) => help::run(session, &args),
    }
}
