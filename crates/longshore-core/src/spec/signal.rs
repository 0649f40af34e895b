//! The signal that asks a job to stop.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, text_value};

/// Names of the signals 1 to 31 on Linux; the index is the number less one.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

const LAST: u8 = 64;

/// A Linux signal; prints as `SIGTERM`, or as its number if it has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

text_value!(Signal, Integer, "a signal by name or number", "SIGTERM");

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(15);
    /// Ends a process.
    pub const KILL: Self = Self(9);
    /// What Ctrl-C sends.
    pub const INT: Self = Self(2);

    /// The number, 1 to 64.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The signal of a number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        (1..=LAST).contains(&number).then_some(Self(number))
    }
}

impl FromStr for Signal {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let by_name = (1_u8..).zip(NAMES).find(|(_, known)| *known == name);
        let signal = match by_name {
            Some((number, _)) => Some(Self(number)),
            None => text.parse().ok().and_then(Self::from_number),
        };
        signal.ok_or_else(|| {
            let hint = "use a name such as TERM or SIGINT, or a number from 1 to 64";
            InvalidValue::new("signal", text, hint)
        })
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(formatter, "SIG{name}"),
            None => self.0.fmt(formatter),
        }
    }
}
