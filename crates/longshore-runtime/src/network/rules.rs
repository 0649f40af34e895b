//! What lets packets of private networks out and answers back in: one set of rules for the machine,
//! written by whichever of the two programs the machine has.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::subnet::Subnet;
use super::{BRIDGE, NetworkError};
use crate::user::{self, Standing};

/// Administrators' programs are not in everybody's `PATH`.
const FURTHER_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// How this machine can give a private network its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// By `iptables`, which is here.
    Iptables(PathBuf),
    /// By `nft`, which is here.
    Nft(PathBuf),
}

/// What a machine without means lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A program that writes rules.
    #[error(
        "a private network needs iptables or nft, and this machine has neither: install the package \
         iptables or nftables, or use the network none or host"
    )]
    Program,
    /// The right to connect one to the machine's.
    #[error("a private network needs root: use the network none or host")]
    Root,
}

/// May packages between other networks pass through this machine?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// As they did before.
    Pass,
    /// They did not, and are not to.
    Stopped,
}

/// Looks for a program that writes rules. `iptables` comes first: a Docker Engine, where there is
/// one, has rules of that kind which stop what does not pass by rules of the same kind.
///
/// # Errors
/// There is none.
pub fn private_means() -> Result<Means, Missing> {
    if user::standing() != Standing::Root {
        return Err(Missing::Root);
    }
    if let Some(path) = find("iptables") {
        return Ok(Means::Iptables(path));
    }
    find("nft").map(Means::Nft).ok_or(Missing::Program)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let further = FURTHER_FOLDERS.iter().map(PathBuf::from);
    let mut candidates = env::split_paths(&path)
        .chain(further)
        .map(|folder| folder.join(program));
    candidates.find(|candidate| candidate.is_file())
}

/// Writes the rules for the bridge with these addresses, in the place of any before them.
///
/// # Errors
/// The program refuses.
pub(super) fn write(means: &Means, subnet: Subnet, others: Others) -> Result<(), NetworkError> {
    match means {
        Means::Iptables(iptables) => write_by_iptables(iptables, subnet, others),
        Means::Nft(nft) => run(nft, &["-f", "-"], &by_nft(subnet, others)),
    }
}

fn write_by_iptables(iptables: &Path, subnet: Subnet, others: Others) -> Result<(), NetworkError> {
    let restore = iptables.with_file_name("iptables-restore");
    run(
        &restore,
        &["--noflush", "--wait"],
        &by_iptables(subnet, others),
    )?;
    // Our chains come first, and only once.
    for [table, chain] in [["filter", "FORWARD"], ["nat", "POSTROUTING"]] {
        let rule = |verb| ["--wait", "-t", table, verb, chain, "-j", "LONGSHORE"];
        if run(iptables, &rule("-C"), "").is_err() {
            run(iptables, &rule("-I"), "")?;
        }
    }
    Ok(())
}

fn by_iptables(subnet: Subnet, others: Others) -> String {
    let forward = match others {
        Others::Pass => "",
        Others::Stopped => ":FORWARD DROP [0:0]\n",
    };
    format!(
        "*filter\n\
        {forward}\
        :LONGSHORE - [0:0]\n\
        -A LONGSHORE -o {BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
        -A LONGSHORE -o {BRIDGE} -j DROP\n\
        -A LONGSHORE -i {BRIDGE} -j ACCEPT\n\
        COMMIT\n\
        *nat\n\
        :LONGSHORE - [0:0]\n\
        -A LONGSHORE -s {subnet} ! -o {BRIDGE} -j MASQUERADE\n\
        COMMIT\n"
    )
}

fn by_nft(subnet: Subnet, others: Others) -> String {
    let rest = match others {
        Others::Pass => "accept",
        Others::Stopped => "drop",
    };
    // To be deleted it must be there.
    format!(
        "table ip longshore\n\
        delete table ip longshore\n\
        table ip longshore {{\n\
        chain forward {{\n\
        type filter hook forward priority 0; policy {rest};\n\
        oifname \"{BRIDGE}\" ct state related,established accept\n\
        oifname \"{BRIDGE}\" drop\n\
        iifname \"{BRIDGE}\" accept\n\
        }}\n\
        chain postrouting {{\n\
        type nat hook postrouting priority 100; policy accept;\n\
        ip saddr {subnet} oifname != \"{BRIDGE}\" masquerade\n\
        }}\n\
        }}\n"
    )
}

fn run(program: &Path, arguments: &[&str], input: &str) -> Result<(), NetworkError> {
    let failed = |said: String| NetworkError::Rules {
        program: program.to_owned(),
        said,
    };
    let output = answer_of(program, arguments, input).map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(said.trim().to_owned()))
}

fn answer_of(program: &Path, arguments: &[&str], input: &str) -> io::Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // What ends without having read it says why by itself.
        let _ = pipe.write_all(input.as_bytes());
    }
    child.wait_with_output()
}
