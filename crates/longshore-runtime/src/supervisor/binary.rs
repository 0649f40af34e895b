//! Making a container with a program that has the command line of `runc`.
//!
//! The container's first process becomes a child of this one, though that program began it. The
//! kernel does not kill it when this process is killed: whoever finds the container lost does. It has
//! no small init, since the program knows of none.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, getpid, pidfd_open, set_child_subreaper, waitid,
};
use serde::Deserialize;

use super::refusal::{Call, Refusal};
use super::stage::Load;
use crate::Refused;
use crate::error::Tried;
use crate::folder::json;

/// A container whose first process waits to be started.
pub(super) struct Created<'a> {
    runtime: Runtime<'a>,
    init: OwnedFd,
}

/// A program such as runc, for one container.
struct Runtime<'a> {
    program: &'a Path,
    /// The folder of the specification, where everything else of it goes, too.
    bundle: &'a Path,
    name: &'a str,
}

/// Makes it with what is to be written in `bundle`. Nothing of the job runs yet.
pub(super) fn create<'a>(
    program: &'a Path,
    bundle: &'a Path,
    name: &'a str,
    load: Load,
) -> Result<Created<'a>, Refusal> {
    let path = bundle.join("config.json");
    fs::write(&path, json(&load.spec)).tried("write", &path)?;
    set_child_subreaper(Some(getpid())).call("be the parent of what others leave")?;
    let runtime = Runtime {
        program,
        bundle,
        name,
    };
    let number = bundle.join("pid");
    let mut command = runtime.command("create");
    command.arg("--bundle").arg(bundle).arg("--pid-file");
    command.arg(&number).arg(name);
    command.stdin(Stdio::null());
    command
        .stdout(load.inlets.stdout)
        .stderr(load.inlets.stderr);
    runtime.run(command)?;
    let init = child(&number)?;
    Ok(Created { runtime, init })
}

impl Created<'_> {
    /// Lets its program begin; returns what tells of its end.
    pub(super) fn start(self) -> Result<OwnedFd, Refusal> {
        let mut command = self.runtime.command("start");
        command.arg(self.runtime.name);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        self.runtime.run(command)?;
        Ok(self.init)
    }
}

impl Runtime<'_> {
    fn log(&self) -> PathBuf {
        self.bundle.join("runtime.log")
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--root").arg(self.bundle.join("runtime"));
        command.arg("--log").arg(self.log());
        command.args(["--log-format", "json"]).arg(verb);
        // It looks for nothing but its own helpers.
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    fn run(&self, mut command: Command) -> Result<(), Refusal> {
        let status = command.status().tried("execute", self.program)?;
        // Its ends of the pipes are the container's alone from here on.
        drop(command);
        if status.success() {
            return Ok(());
        }
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let said = complaints(&text).pop();
        let said = said.unwrap_or_else(|| format!("it ended with {status}"));
        Err(Refusal::Said(refused(self.program, &said)))
    }
}

/// The child whose number was just written here. No other process has that number: this one has not
/// waited for its child.
fn child(path: &Path) -> Result<OwnedFd, Refusal> {
    let text = fs::read_to_string(path).tried("read", path)?;
    let number = text.trim().parse().ok().and_then(Pid::from_raw);
    let number = number.ok_or(Refusal::NoProcess)?;
    let init = pidfd_open(number, PidfdFlags::empty()).call("watch the container")?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::PidFd(init.as_fd()), look).call("watch the container")?;
    Ok(init)
}

/// What it said of errors, in order.
fn complaints(log: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Line {
        level: String,
        msg: String,
    }
    let lines = log.lines().map(serde_json::from_str::<Line>);
    let errors = lines.filter_map(Result::ok);
    let errors = errors.filter(|line| ["error", "fatal"].contains(&line.level.as_str()));
    errors.map(|line| line.msg).collect()
}

/// Which code that is: only its text tells.
fn refused(program: &Path, said: &str) -> Refused {
    const MISSING: [&str; 2] = ["executable file not found", "no such file or directory"];
    const FORBIDDEN: [&str; 3] = ["permission denied", "is a directory", "exec format error"];
    let lower = said.to_lowercase();
    let speaks_of =
        |words: &[&str]| lower.contains("exec: ") && words.iter().any(|word| lower.contains(word));
    let code = if speaks_of(&MISSING) {
        127
    } else if speaks_of(&FORBIDDEN) {
        126
    } else {
        125
    };
    Refused {
        code,
        message: format!("{} says: {said}", program.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_errors_are_read_from_its_log() {
        let log =
            "{\"level\":\"warning\",\"msg\":\"w\"}\nnoise\n{\"level\":\"error\",\"msg\":\"e\"}\n";
        assert_eq!(complaints(log), ["e"]);
    }

    #[test]
    fn what_could_not_be_executed_has_the_code_of_docker() {
        let code = |said| refused(Path::new("runc"), said).code;
        assert_eq!(code("exec: \"x\": executable file not found in $PATH"), 127);
        assert_eq!(
            code("exec: \"/x\": stat /x: no such file or directory"),
            127
        );
        assert_eq!(code("exec: \"/etc\": permission denied"), 126);
        assert_eq!(code("mount /x: no such file or directory"), 125);
    }
}
