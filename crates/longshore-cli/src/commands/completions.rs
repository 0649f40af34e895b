//! `completions`: the script that makes a shell ask us.

use crate::args::CompletionsArgs;
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::session::Session;
use crate::shells;

pub(super) fn run(session: &Session, args: &CompletionsArgs) -> Result<u8, Failure> {
    session.console.write_out(&shells::script(args.shell)?)?;
    session.console.flush()?;
    Ok(SUCCESS)
}
