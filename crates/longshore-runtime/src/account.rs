//! As whom a container runs: `user[:group]`, looked up in the container's own `/etc/passwd` and
//! `/etc/group`. The files are the image's, so nothing in them is trusted: they are opened inside
//! the root, must be plain files, and are read up to a limit.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

const PASSWD: &str = "etc/passwd";
const GROUP: &str = "etc/group";
const LARGEST_FILE_BYTES: u64 = 8 * 1024 * 1024;
const LARGEST_NUMBER: i64 = 0x7fff_ffff;
const ROOT: u32 = 0;

/// As whom a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Number of the user.
    pub(crate) uid: u32,
    /// Number of the group.
    pub(crate) gid: u32,
    /// Every group of the process, the first of which is `gid`.
    pub(crate) groups: Vec<u32>,
    /// What `HOME` is where nobody sets it.
    pub(crate) home: String,
    /// The user's name, if it has an entry.
    pub(crate) name: Option<String>,
}

/// Why nobody was found to run as.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("unable to find user {0}: no such entry in /etc/passwd of the image")]
    NoUser(String),
    #[error("unable to find group {0}: no such entry in /etc/group of the image")]
    NoGroup(String),
    #[error("{0} is not the number of a user or group: they go from 0 to {LARGEST_NUMBER}")]
    OutOfRange(i64),
    #[error("/{path} of the image cannot be read")]
    Read {
        path: &'static str,
        source: io::Error,
    },
    #[error("/{0} of the image is not a plain file")]
    NotAFile(&'static str),
    #[error("/{0} of the image is larger than {LARGEST_FILE_BYTES} bytes")]
    TooLarge(&'static str),
}

/// Finds out who `user` is in the container whose root is `root`; root if nobody is named. Numbers
/// need no entry.
pub(crate) fn resolve(root: BorrowedFd<'_>, user: Option<&str>) -> Result<Account, AccountError> {
    let passwd = read(root, PASSWD)?;
    let group = read(root, GROUP)?;
    find(&passwd, &group, user.unwrap_or_default())
}

/// The text of a file below `root`; nothing if it is absent.
fn read(root: BorrowedFd<'_>, path: &'static str) -> Result<String, AccountError> {
    let failed = |source: io::Error| AccountError::Read { path, source };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = match openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(String::new()),
        Err(errno) => return Err(failed(errno.into())),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(AccountError::NotAFile(path));
    }
    let mut bytes = Vec::new();
    let read = file
        .take(LARGEST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if read as u64 > LARGEST_FILE_BYTES {
        return Err(AccountError::TooLarge(path));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn find(passwd: &str, group: &str, wanted: &str) -> Result<Account, AccountError> {
    let (user, wanted_group) = wanted.split_once(':').unwrap_or((wanted, ""));
    let found = find_user(passwd, user)?;
    let gid = match wanted_group {
        "" => found.gid,
        named => find_group(group, named)?,
    };
    let mut groups = vec![gid];
    // Further groups come with the user, unless a group was asked for.
    if let (Some(name), "") = (found.name, wanted_group) {
        groups.extend(lines(group).filter_map(Group::parse).filter_map(|entry| {
            let is_member = entry.members.split(',').any(|member| member == name);
            (is_member && entry.gid != gid).then_some(entry.gid)
        }));
    }
    Ok(Account {
        uid: found.uid,
        gid,
        groups,
        home: home_of(passwd, found.uid),
        name: found.name.map(str::to_owned),
    })
}

struct Found<'a> {
    uid: u32,
    gid: u32,
    name: Option<&'a str>,
}

fn find_user<'a>(passwd: &'a str, user: &str) -> Result<Found<'a>, AccountError> {
    let wanted = if user.is_empty() {
        Some(ROOT.into())
    } else {
        user.parse::<i64>().ok()
    };
    let entry = lines(passwd)
        .filter_map(User::parse)
        .find(|entry| wanted.map_or(entry.name == user, |number| number == i64::from(entry.uid)));
    if let Some(entry) = entry {
        return Ok(Found {
            uid: entry.uid,
            gid: entry.gid,
            name: Some(entry.name),
        });
    }
    let number = wanted.ok_or_else(|| AccountError::NoUser(user.to_owned()))?;
    Ok(Found {
        uid: in_range(number)?,
        gid: ROOT,
        name: None,
    })
}

fn find_group(group: &str, wanted: &str) -> Result<u32, AccountError> {
    let number = wanted.parse::<i64>().ok();
    let entry = lines(group).filter_map(Group::parse).find(|entry| {
        number.map_or(entry.name == wanted, |number| {
            number == i64::from(entry.gid)
        })
    });
    if let Some(entry) = entry {
        return Ok(entry.gid);
    }
    in_range(number.ok_or_else(|| AccountError::NoGroup(wanted.to_owned()))?)
}

/// The home of the first entry with this number, as the one who asks by number would find it.
fn home_of(passwd: &str, uid: u32) -> String {
    lines(passwd)
        .filter_map(User::parse)
        .find(|entry| entry.uid == uid)
        .map(|entry| entry.home)
        .filter(|home| !home.is_empty())
        .unwrap_or("/")
        .to_owned()
}

fn in_range(number: i64) -> Result<u32, AccountError> {
    u32::try_from(number)
        .ok()
        .filter(|_| number <= LARGEST_NUMBER)
        .ok_or(AccountError::OutOfRange(number))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim)
}

/// A line of `/etc/passwd`. A line that is none is passed over.
struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

impl<'a> User<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1).unwrap_or_default();
        Some(Self {
            name,
            uid,
            gid,
            home,
        })
    }
}

/// A line of `/etc/group`. A line that is none is passed over.
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl<'a> Group<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let gid = fields.nth(1)?.parse().ok()?;
        let members = fields.next().unwrap_or_default();
        Some(Self { name, gid, members })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n\
        \n\
        # a comment\n\
        app:x:1000:100:An app:/home/app:/bin/sh\n\
        twin:x:1000:7::/home/twin:\n\
        homeless:x:1001:100:::\n\
        +::::::\n\
        short:x:5\n";
    const GROUPS: &str = "root:x:0:\n\
        users:x:100:\n\
        audio:x:29:app,other\n\
        video:x:44:other,app\n\
        staff:x:50:other\n\
        users2:x:100:app\n";

    fn check(wanted: &str, uid: u32, groups: &[u32], home: &str) {
        let account = find(USERS, GROUPS, wanted).unwrap();
        assert_eq!(account.uid, uid, "user of {wanted:?}");
        assert_eq!(account.gid, groups[0], "group of {wanted:?}");
        assert_eq!(account.groups, groups, "groups of {wanted:?}");
        assert_eq!(account.home, home, "home of {wanted:?}");
    }

    fn check_refused(wanted: &str, said: &str) {
        let error = find(USERS, GROUPS, wanted).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn nobody_named_is_root() {
        check("", 0, &[0], "/root");
    }

    #[test]
    fn a_name_brings_its_groups_and_its_home() {
        check("app", 1000, &[100, 29, 44], "/home/app");
    }

    #[test]
    fn a_number_with_an_entry_is_that_user() {
        check("1000", 1000, &[100, 29, 44], "/home/app");
    }

    #[test]
    fn a_number_without_an_entry_is_in_group_0_and_at_home_in_the_root() {
        check("4242", 4242, &[0], "/");
    }

    #[test]
    fn a_group_that_is_asked_for_is_the_only_one() {
        check("app:staff", 1000, &[50], "/home/app");
        check("app:4243", 1000, &[4243], "/home/app");
        check("4242:audio", 4242, &[29], "/");
        check(":29", 0, &[29], "/root");
    }

    #[test]
    fn the_home_is_that_of_the_first_entry_with_the_number() {
        check("twin", 1000, &[7], "/home/app");
    }

    #[test]
    fn an_empty_home_is_the_root() {
        check("homeless", 1001, &[100], "/");
    }

    #[test]
    fn unknown_names_are_refused() {
        check_refused("nobody", "unable to find user nobody");
        check_refused("short", "unable to find user short");
        check_refused("+", "unable to find user +");
        check_refused("app:nogroup", "unable to find group nogroup");
        check_refused("app:1:2", "unable to find group 1:2");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        check_refused("-1", "-1 is not the number");
        check_refused("2147483648", "2147483648 is not the number");
        check_refused("0:-1", "-1 is not the number");
    }

    #[test]
    fn an_image_without_the_files_has_numbers_alone() {
        assert_eq!(find("", "", "").unwrap().groups, [0]);
        assert_eq!(find("", "", "7:8").unwrap().groups, [8]);
        assert!(find("", "", "app").is_err());
    }

    fn resolve_in(root: &std::path::Path, user: &str) -> Result<Account, AccountError> {
        let folder = File::open(root).unwrap();
        resolve(folder.as_fd(), Some(user))
    }

    #[test]
    fn a_link_out_of_the_root_stays_inside() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(folder.path().join("passwd"), "spy:x:66:66:::\n").unwrap();
        symlink("../../passwd", root.join("etc/passwd")).unwrap();
        assert!(matches!(
            resolve_in(&root, "spy"),
            Err(AccountError::NoUser(_))
        ));
        fs::write(root.join("passwd"), "app:x:5:6:::\n").unwrap();
        assert_eq!(resolve_in(&root, "app").unwrap().uid, 5);
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc/group")).unwrap();
        assert!(matches!(
            resolve_in(folder.path(), "0"),
            Err(AccountError::NotAFile(GROUP))
        ));
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join(PASSWD),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(matches!(
            resolve_in(folder.path(), "0"),
            Err(AccountError::NotAFile(PASSWD))
        ));
    }

    #[test]
    fn a_file_beyond_measure_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc")).unwrap();
        let file = File::create(folder.path().join(PASSWD)).unwrap();
        file.set_len(LARGEST_FILE_BYTES + 1).unwrap();
        assert!(matches!(
            resolve_in(folder.path(), "0"),
            Err(AccountError::TooLarge(PASSWD))
        ));
    }
}
