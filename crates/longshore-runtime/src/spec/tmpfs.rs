//! Options of a file system in memory, by Docker's rules: later ones win, unknown ones are refused.

use super::SpecError;

/// What every such mount has unless it is told otherwise.
const DEFAULTS: [&str; 4] = ["noexec", "nosuid", "nodev", "rprivate"];

/// Options that exclude each other.
const OPPOSITES: [[&str; 2]; 10] = [
    ["rw", "ro"],
    ["suid", "nosuid"],
    ["dev", "nodev"],
    ["exec", "noexec"],
    ["async", "sync"],
    ["atime", "noatime"],
    ["diratime", "nodiratime"],
    ["relatime", "norelatime"],
    ["strictatime", "nostrictatime"],
    ["nomand", "mand"],
];

/// Options that stand alone.
const ALONE: [&str; 9] = [
    "defaults",
    "dirsync",
    "rprivate",
    "private",
    "rslave",
    "slave",
    "rshared",
    "shared",
    "unbindable",
];

/// Options with a value.
const WITH_VALUE: [&str; 7] = [
    "gid",
    "mode",
    "mpol",
    "nr_blocks",
    "nr_inodes",
    "size",
    "uid",
];

/// The options of a mount for which these are wanted.
pub(super) fn options(wanted: &[String]) -> Result<Vec<String>, SpecError> {
    let mut kept: Vec<String> = DEFAULTS.map(str::to_owned).to_vec();
    for option in wanted {
        let subject = subject_of(option)
            .ok_or_else(|| SpecError::TmpfsOption(option.clone()))?
            .to_owned();
        kept.retain(|before| subject_of(before) != Some(&subject));
        kept.push(option.clone());
    }
    Ok(kept)
}

/// What an option is about: two about the same exclude each other.
fn subject_of(option: &str) -> Option<&'static str> {
    if let Some((key, _)) = option.split_once('=') {
        return WITH_VALUE.into_iter().find(|known| *known == key);
    }
    let pair = OPPOSITES.into_iter().find(|pair| pair.contains(&option));
    if let Some([subject, _]) = pair {
        return Some(subject);
    }
    ALONE.into_iter().find(|known| *known == option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &[&str], expected: &[&str]) {
        let wanted: Vec<String> = wanted.iter().map(|&option| option.to_owned()).collect();
        assert_eq!(options(&wanted).unwrap(), expected);
    }

    #[test]
    fn nothing_wanted_is_what_docker_gives() {
        check(&[], &["noexec", "nosuid", "nodev", "rprivate"]);
    }

    #[test]
    fn a_later_option_takes_the_place_of_an_earlier_one() {
        check(
            &["exec", "size=1m", "size=64m", "ro", "rw"],
            &["nosuid", "nodev", "rprivate", "exec", "size=64m", "rw"],
        );
    }

    #[test]
    fn an_unknown_option_is_refused() {
        for wrong in ["sise=1", "size", "", "exec=1", "context=x"] {
            let error = options(&[wrong.to_owned()]).unwrap_err();
            assert!(matches!(error, SpecError::TmpfsOption(option) if option == wrong));
        }
    }
}
