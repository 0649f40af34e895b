//! Programs that are to see the user as he is outside: `ssh` looks for keys in the home of whoever it
//! finds itself to be.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sched::CloneFlags;

use super::{Standing, standing};

/// The first word that asks for it.
const AS_USER: &str = "--as-the-user-outside";

/// What to put before a program and its arguments, for this binary to run it as the user outside.
/// Nothing where this process is no other there.
pub fn words_as_user(program: &str) -> Vec<String> {
    match standing() {
        Standing::Root | Standing::Ordinary => Vec::new(),
        Standing::Many | Standing::Single => vec![AS_USER.to_owned(), program.to_owned()],
    }
}

/// Runs a program as the user outside, if this process was executed for that: it returns then only if
/// that cannot be done. To be called in `main` before there is any thread.
pub fn run_if_as_user() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != AS_USER {
        return None;
    }
    let program = words.next()?;
    let why = match leave() {
        Ok(()) => Command::new(&program).args(words).exec(),
        Err(why) => why,
    };
    // Whoever asked reads what the program says.
    let _ = io::Write::write_fmt(
        &mut io::stderr(),
        format_args!("cannot execute {}: {why}\n", program.display()),
    );
    Some(ExitCode::FAILURE)
}

/// A namespace in the one that this process is in, in which the user has his number again.
fn leave() -> io::Result<()> {
    let numbers = ["uid_map", "gid_map"].map(|file| {
        let map = fs::read_to_string(format!("/proc/self/{file}"))?;
        let number = map.split_whitespace().nth(1).map(str::to_owned);
        Ok::<_, io::Error>((file, number.unwrap_or_default()))
    });
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER)?;
    // It may be so already, and cannot be changed then.
    let _ = fs::write("/proc/self/setgroups", "deny");
    for number in numbers {
        let (file, number) = number?;
        fs::write(format!("/proc/self/{file}"), format!("{number} 0 1\n"))?;
    }
    Ok(())
}
