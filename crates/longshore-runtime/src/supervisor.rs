//! The supervisor of one container: a process with one thread that sets the container up, keeps its
//! output and its limits of time, and writes down how it ended.
//!
//! What is set up belongs to this process (its mounts, its network): when it is gone, however that
//! came about, so is all of that, and the kernel kills the container.

mod binary;
mod builtin;
mod desk;
mod pump;
mod refusal;
mod stage;
mod starter;
mod template;
mod watch;

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use longshore_core::with_causes;
use nix::libc;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::Ended;
use crate::cgroup::Layout;
use crate::cleaning;
use crate::devices::{self, Reach};
use crate::error::{RuntimeError, Tried};
use crate::folder::{Folder, discard, write_json};
use crate::launch::{self, Word};
use crate::lock::{self, Claim, Lock};
use crate::record::{self, Begun, Container, Exit, SCHEMA};
use crate::seccomp;
use crate::spec::Target;

use desk::Desk;
use refusal::Refusal;
use stage::Stage;
use starter::Starter;
use watch::{Fate, Started, Watch};

/// Runs this process as what supervisors are forks of if it was executed as that, and says then how it
/// is to end. To be called first in `main`, before there is any thread.
pub fn run_if_supervisor() -> Option<ExitCode> {
    let name = std::env::args_os().next();
    if name.is_none_or(|name| name != launch::SUPERVISOR) {
        return None;
    }
    prepare();
    let starter = match template::wait() {
        Ok(Some(starter)) => starter,
        Ok(None) => return Some(ExitCode::SUCCESS),
        Err(_) => return Some(ExitCode::FAILURE),
    };
    std::panic::set_hook(Box::new(|panic| complain(&panic.to_string())));
    let Err(why) = supervise(starter) else {
        return Some(ExitCode::SUCCESS);
    };
    complain(&with_causes(&why));
    Some(ExitCode::FAILURE)
}

/// Leaves word of what must not happen in the container's folder, which this process is in.
fn complain(text: &str) {
    // Nobody is there to be told that there is no room even for this.
    let _ = fs::write(Folder::at(".".into()).complaint(), text);
}

fn supervise(mut starter: Starter) -> Result<(), RuntimeError> {
    // None of this can fail but where it is so already.
    let _ = rustix::process::setsid();
    let here = Path::new(".");
    let folder = Folder::at(std::env::current_dir().tried("find", here)?);
    let Some((container, lock)) = claim(&folder)? else {
        starter.say(&Word::Busy);
        return Ok(());
    };
    let name = &container.config.name;
    let refused = Folder::has(&folder.refused())?;
    if Folder::has(&folder.exit())? || (record::has_begun(&folder)? && !refused) {
        starter.say(&Word::Over);
        return Ok(());
    }
    let mut desk = Desk::open(&folder.control()).tried("listen at", &folder.control())?;
    forget_last_try(&folder, name, starter.order())?;
    match begin(&folder, &container, starter.order()) {
        Ok(watch) => {
            starter.say(&Word::Started);
            drop(starter);
            let ended = watch.until_end(&mut desk);
            let exit = end(&folder, name, ended)?;
            // Who waits for this process to be gone waits at the desk and then for the lock. The disk is
            // waited for by nobody.
            drop((desk, lock));
            keep(&exit);
            Ok(())
        }
        Err(refusal) => {
            let refused = refusal.into_refused();
            write_json(&folder.refused(), &refused)?;
            cleaning::clean(name)?;
            starter.say(&Word::Refused(refused));
            Ok(())
        }
    }
}

/// What is the same for all supervisors. Lets go of whoever executed this: its descriptors, its
/// signals.
#[expect(
    unsafe_code,
    reason = "nothing in this process has opened anything yet"
)]
fn prepare() {
    const FIRST: u32 = 3;
    const LAST_SIGNAL: i32 = 64;
    // SAFETY: no descriptor above the standard ones has an owner in this process.
    unsafe { libc::close_range(FIRST, u32::MAX, 0) };
    // None of this can fail but where it is not allowed: then it stays as it is.
    let nothing = ignore as extern "C" fn(i32);
    for signal in 1..=LAST_SIGNAL {
        let handler = match signal {
            libc::SIGHUP | libc::SIGINT | libc::SIGTERM | libc::SIGQUIT => {
                nothing as libc::sighandler_t
            }
            // Who does not listen any more is no reason to end.
            libc::SIGPIPE => libc::SIG_IGN,
            _ => libc::SIG_DFL,
        };
        // SAFETY: the handler does nothing. Two of them cannot be changed, and two are the C library's
        // own: all of these stay as they are, which is the default.
        unsafe { libc::signal(signal, handler) };
    }
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    let _ = fs::write("/proc/self/oom_score_adj", "-900");
    // As much of its name as there is room for: it was executed by a number.
    let _ = rustix::thread::set_name(c"longshore-super");
    // What it may reach is not its containers' to reach.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    seccomp::prepare();
    // Without them, each supervisor says so.
    let _ = Layout::of_this_machine();
}

/// A machine that goes down asks the container by itself to end. What is not handled but ignored would
/// be ignored by every program that is executed from here, too, unless it is put right before.
extern "C" fn ignore(_signal: i32) {}

/// The container, which is this process's from here on; none if it is somebody's already, or gone.
fn claim(folder: &Folder) -> Result<Option<(Container, Lock)>, RuntimeError> {
    let path = folder.container();
    let lock = match lock::take(&path, Claim::Supervisor) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        taken => taken.tried("lock", &path)?,
    };
    let Some(lock) = lock else {
        return Ok(None);
    };
    let mut text = Vec::new();
    let mut file = lock.file();
    let found = file.metadata().tried("look at", &path)?;
    file.read_to_end(&mut text).tried("read", &path)?;
    if found.nlink() == 0 {
        return Ok(None);
    }
    match serde_json::from_slice(&text) {
        Ok(container) => Ok(Some((container, lock))),
        Err(source) => Err(RuntimeError::Record { path, source }),
    }
}

/// A start that was broken off, or refused, before anything of the job ran. The word about it goes
/// last.
fn forget_last_try(folder: &Folder, name: &str, order: &launch::Order) -> Result<(), RuntimeError> {
    // What is built in makes all of it or begins with this part of it.
    if order.oci_runtime.is_some() || cleaning::cgroup(name)?.was_begun() {
        cleaning::clean(name)?;
    }
    for path in [folder.starting(), folder.running(), folder.refused()] {
        discard(&path)?;
    }
    Ok(())
}

/// A container whose program waits to begin.
enum Created<'a> {
    Builtin(builtin::Created),
    Binary(binary::Created<'a>),
}

/// From the folder to the program that executes. What is written about it is on the disk before the
/// program begins: whatever happens then, it is not begun again.
fn begin<'a>(
    folder: &Folder,
    container: &'a Container,
    order: &launch::Order,
) -> Result<Watch<'a>, Refusal> {
    let config = &container.config;
    let target = match order.oci_runtime {
        None => Target::Library,
        Some(_) => Target::Binary,
    };
    let stage = Stage::set(folder, config, target)?;
    let bundle = stage.load.bundle.clone();
    let created = match &order.oci_runtime {
        None => Created::Builtin(builtin::create(config, &stage.cgroup, stage.load)?),
        Some(program) => {
            let created = binary::create(program, &bundle, &config.name, stage.load)?;
            devices::confine(&stage.cgroup, Reach::of(&config.process))?;
            Created::Binary(created)
        }
    };
    // What the container makes of itself it makes meanwhile.
    let started = Started::now();
    let begun = Begun {
        schema: SCHEMA,
        at: started.at,
    };
    let path = folder.starting();
    let written = write_json(&path, &begun)?;
    written.sync_all().tried("bring to the disk", &path)?;
    let init = match created {
        Created::Builtin(created) => created.start()?,
        Created::Binary(created) => created.start()?,
    };
    let named = fs::rename(folder.starting(), folder.running());
    if let Err(why) = named.tried("name", &folder.running()) {
        // It runs all the same, and is not to be begun again.
        complain(&with_causes(&why));
    }
    Ok(Watch {
        config,
        cgroup: stage.cgroup,
        init,
        pump: stage.pump,
        started,
        fate: Fate::of(config, Instant::now()),
    })
}

/// Writes down how it ended, and only then cleans away what is left of it.
fn end(folder: &Folder, name: &str, ended: Ended) -> Result<File, RuntimeError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let mut tries = 600;
    let exit = Exit {
        schema: SCHEMA,
        ended,
    };
    let written = loop {
        match write_json(&folder.exit(), &exit) {
            Ok(written) => break written,
            // The disk may be full, and somebody about to make room; nobody else knows how it ended.
            Err(why) => {
                complain(&with_causes(&why));
                if tries == 0 {
                    return Err(why);
                }
            }
        }
        tries -= 1;
        std::thread::sleep(PAUSE);
    };
    cleaning::clean(name)?;
    stage::strike(folder);
    fs::rename(folder.running(), folder.cleaned()).tried("name", &folder.cleaned())?;
    Ok(written)
}

/// Brings to the disk how it ended, unless whoever wanted to know has removed it.
fn keep(exit: &File) {
    if exit.metadata().is_ok_and(|found| found.nlink() > 0) {
        // If that fails there is nobody to be told, nor anything to be done.
        let _ = exit.sync_all();
    }
}
