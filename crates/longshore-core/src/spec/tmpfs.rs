//! File systems in memory.

use std::fmt;
use std::str::FromStr;

use super::mount::check_target;
use super::resources::ByteSize;
use super::text::{InvalidValue, text_value};

/// Options that take no value.
const FLAGS: [&str; 8] = [
    "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev",
];

/// One file system in memory: `/path[:size=64m,mode=1777]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TmpfsSpec {
    target: String,
    options: Vec<String>,
}

text_value!(
    TmpfsSpec,
    Text,
    "a file system in memory as /path[:options]",
    "/tmp:size=64m,mode=1777"
);

impl TmpfsSpec {
    /// Absolute path inside the container.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The options, separated by commas as the engine takes them; may be empty.
    pub fn options(&self) -> String {
        self.options.join(",")
    }

    /// The size, if one is set.
    pub fn size(&self) -> Option<ByteSize> {
        self.options
            .iter()
            .find_map(|option| option.strip_prefix("size=")?.parse().ok())
    }
}

impl FromStr for TmpfsSpec {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (target, options) = match text.split_once(':') {
            Some((target, options)) => (target, options.split(',').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let target = check_target(target)?;
        if target.contains([':', ',']) || !options.iter().all(|option| is_option(option)) {
            let hint = "use /path or /path:options with size=64m, mode=1777, uid, gid, nr_inodes, \
                        ro, exec, suid or dev (and noexec, nosuid, nodev)";
            return Err(InvalidValue::new("tmpfs", text, hint));
        }
        Ok(Self { target, options })
    }
}

fn is_option(option: &str) -> bool {
    let is_number = |value: &str| value.parse::<u32>().is_ok();
    match option.split_once('=') {
        None => FLAGS.contains(&option),
        Some(("size", value)) => is_kernel_size(value),
        Some(("mode", value)) => u16::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o7777),
        Some(("uid" | "gid" | "nr_inodes", value)) => is_number(value),
        Some(_) => false,
    }
}

/// The kernel reads it: whole numbers above zero with k, m or g.
fn is_kernel_size(value: &str) -> bool {
    let digits = value
        .strip_suffix(['k', 'm', 'g', 'K', 'M', 'G'])
        .unwrap_or(value);
    digits.bytes().all(|b| b.is_ascii_digit())
        && value.parse::<ByteSize>().is_ok_and(|size| size.bytes() > 0)
}

impl fmt::Display for TmpfsSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.target)?;
        if self.options.is_empty() {
            return Ok(());
        }
        write!(formatter, ":{}", self.options())
    }
}
