//! Which numbers of users and groups an ordinary user was given, in `/etc/subuid` and `/etc/subgid`,
//! and the programs that make a namespace know them.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Uid};

/// Numbers of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Users,
    Groups,
}

/// Everything that was given to a user.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    users: Given,
    groups: Given,
}

/// The program that writes a map, and what goes into it.
#[derive(Clone, Debug)]
struct Given {
    program: PathBuf,
    ranges: Vec<Range>,
}

/// Numbers from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u32,
    count: u32,
}

impl Ranges {
    /// What this user was given; none if there is too little of it to be of use.
    pub(super) fn of(user: Uid) -> Option<Self> {
        let given = |program, file| {
            let program = find(program)?;
            let text = fs::read_to_string(file).ok()?;
            let ranges = parse(&text, user.as_raw(), name_of(user).as_deref());
            (!ranges.is_empty()).then_some(Given { program, ranges })
        };
        Some(Self {
            users: given("newuidmap", "/etc/subuid")?,
            groups: given("newgidmap", "/etc/subgid")?,
        })
    }

    /// Makes the namespace of `process` know them: root in it is `own`, and what was given follows.
    pub(super) fn write(&self, kind: Kind, process: Pid, own: u32) -> io::Result<()> {
        let given = match kind {
            Kind::Users => &self.users,
            Kind::Groups => &self.groups,
        };
        let mut command = Command::new(&given.program);
        command.arg(process.as_raw_nonzero().to_string());
        command.args(arguments(own, &given.ranges));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // What it says of its refusal is said by the images that need more than one number.
        let status = command.stderr(Stdio::null()).status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(status.to_string()))
    }
}

fn arguments(own: u32, ranges: &[Range]) -> Vec<String> {
    let mut inside = 1_u32;
    let mut all = vec![[0, own, 1]];
    for range in ranges {
        all.push([inside, range.first, range.count]);
        inside = inside.saturating_add(range.count);
    }
    all.into_iter()
        .flatten()
        .map(|number| number.to_string())
        .collect()
}

/// Lines `name:first:count`; instead of a name there may be a number.
fn parse(text: &str, user: u32, name: Option<&str>) -> Vec<Range> {
    let number = user.to_string();
    let lines = text.lines().filter_map(|line| {
        let (whose, range) = line.trim().split_once(':')?;
        let (first, count) = range.split_once(':')?;
        let range = Range {
            first: first.parse().ok()?,
            count: count.parse().ok()?,
        };
        let is_own = whose == number || Some(whose) == name;
        (is_own && range.count > 0).then_some(range)
    });
    lines.collect()
}

fn name_of(user: Uid) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    let number = user.as_raw().to_string();
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path)
        .chain(["/usr/bin".into()])
        .map(|folder| folder.join(program));
    candidates.find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_a_users_by_name_or_number() {
        let text =
            "me:100000:65536\nother:165536:65536\n# a comment\n1000:300000:10\nme:5:0\nme:x:1\n";
        let range = |first, count| Range { first, count };
        let both = vec![range(100_000, 65536), range(300_000, 10)];
        assert_eq!(parse(text, 1000, Some("me")), both);
        assert_eq!(parse(text, 1000, None), [range(300_000, 10)]);
        assert_eq!(parse(text, 7, Some("nobody")), []);
    }

    #[test]
    fn what_was_given_follows_root_without_a_gap() {
        let range = |first, count| Range { first, count };
        let words = arguments(1000, &[range(100_000, 10), range(200_000, 5)]);
        assert_eq!(words.join(" "), "0 1000 1 1 100000 10 11 200000 5");
    }
}
