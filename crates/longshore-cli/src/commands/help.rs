//! `help`: commands as clap explains them, and topics of our own.

use clap::CommandFactory;

use crate::args::{Cli, HelpArgs};
use crate::exit_code::{self, SUCCESS};
use crate::failure::Failure;
use crate::session::Session;

pub(super) fn run(session: &Session, args: &HelpArgs) -> Result<u8, Failure> {
    if args.topic == ["exit-codes"] {
        session.console.print(exit_code::HELP.trim_end())?;
        return Ok(SUCCESS);
    }
    let mut command = Cli::command();
    command.build();
    for word in &args.topic {
        let Some(inner) = command.find_subcommand(word) else {
            return Err(Failure::usage(format!("no command or topic `{word}`"))
                .hint("`longshore help` lists the commands; the one topic is exit-codes"));
        };
        command = inner.clone();
    }
    session
        .console
        .print(command.render_long_help().to_string().trim_end())?;
    if args.topic.is_empty() {
        session
            .console
            .print("\nTopics:\n  longshore help exit-codes")?;
    }
    Ok(SUCCESS)
}
