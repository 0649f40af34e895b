//! How much of a host a job may use: memory, CPUs, processes, other limits, GPUs.

use std::fmt;
use std::str::FromStr;

use super::text::{InvalidValue, integer_value, text_value};

/// A number of bytes; units are binary, as in Docker: `1k` is 1024 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSize(u64);

text_value!(
    ByteSize,
    Integer,
    "a size in bytes, or with b, k, m, g or t",
    "512m"
);

/// Suffix of a size and how far its unit is shifted, largest first.
const UNITS: [(&str, u32); 5] = [("t", 40), ("g", 30), ("m", 20), ("k", 10), ("b", 0)];

impl ByteSize {
    /// So many bytes; more than `i64::MAX`, which no engine takes, becomes that.
    pub const fn from_bytes(bytes: u64) -> Self {
        if bytes > i64::MAX.unsigned_abs() {
            return Self(i64::MAX.unsigned_abs());
        }
        Self(bytes)
    }

    /// So many mebibytes.
    pub const fn from_mebibytes(mebibytes: u32) -> Self {
        Self((mebibytes as u64) << 20)
    }

    /// The number of bytes; at most `i64::MAX`.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_size(text).map(Self).ok_or_else(|| {
            let hint = "use a number with b, k, m or g, such as 512m";
            InvalidValue::new("size", text, hint)
        })
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let suffix_start = lower
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(lower.len());
    let (number, suffix) = lower.split_at(suffix_start);
    let suffix = suffix.strip_prefix(' ').unwrap_or(suffix);
    let unit = match suffix {
        "" | "b" => "b",
        longer => longer
            .strip_suffix("ib")
            .or(longer.strip_suffix('b'))
            .unwrap_or(longer),
    };
    let (_, shift) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let nanos = parse_decimal_nanos(number)?;
    let bytes = nanos.checked_mul(1_u128 << shift)? / 1_000_000_000;
    i64::try_from(bytes).ok().map(i64::unsigned_abs)
}

/// A decimal number without sign, in billionths; at most nine digits after the point.
fn parse_decimal_nanos(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = [whole, fraction]
        .into_iter()
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if !all_digits || fraction.len() > 9 || whole.len() > 20 {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let fraction: u128 = format!("{fraction:0<9}").parse().ok()?;
    Some(whole * 1_000_000_000 + fraction)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, shift): &(&str, u32)| self.0.trailing_zeros() >= *shift && self.0 != 0;
        let (unit, shift) = UNITS.into_iter().find(exact).unwrap_or(("b", 0));
        write!(formatter, "{}{unit}", self.0 >> shift)
    }
}

/// Memory plus swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemorySwap {
    /// As much swap as the host has; typed as `-1`.
    Unlimited,
    /// Memory and swap together.
    Size(ByteSize),
}

text_value!(
    MemorySwap,
    Integer,
    "memory plus swap as a size, or -1 for no limit",
    "1g"
);

impl FromStr for MemorySwap {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-1" {
            return Ok(Self::Unlimited);
        }
        let size = text.parse().map_err(|_| {
            let hint = "use a size such as 1g, or -1 for no limit";
            InvalidValue::new("memory and swap", text, hint)
        })?;
        Ok(Self::Size(size))
    }
}

impl fmt::Display for MemorySwap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => formatter.write_str("-1"),
            Self::Size(size) => size.fmt(formatter),
        }
    }
}

/// A number of CPUs, kept in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cpus(u64);

text_value!(Cpus, Number, "a number of CPUs, at least 0.01", "0.5");

impl Cpus {
    /// One CPU.
    pub const ONE: Self = Self(1_000_000_000);
    /// The kernel accounts in 100 ms periods and refuses less than 1 ms of one.
    const LEAST: u64 = 10_000_000;
    const MOST: u64 = 1_000_000_000_000_000;

    /// So many billionths of a CPU, within what engines take.
    pub const fn from_nanos(nanos: u64) -> Self {
        match nanos {
            0..Self::LEAST => Self(Self::LEAST),
            Self::LEAST..=Self::MOST => Self(nanos),
            _ => Self(Self::MOST),
        }
    }

    /// The number in billionths of a CPU.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

impl FromStr for Cpus {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_decimal_nanos(text)
            .and_then(|nanos| u64::try_from(nanos).ok())
            .filter(|nanos| (Self::LEAST..=Self::MOST).contains(nanos))
            .map(Self)
            .ok_or_else(|| {
                let hint = "use a decimal number of at least 0.01, such as 0.5 or 2";
                InvalidValue::new("number of CPUs", text, hint)
            })
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if fraction == 0 {
            return write!(formatter, "{whole}");
        }
        let fraction = format!("{fraction:09}");
        write!(formatter, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// Largest number of processes and threads of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PidsLimit {
    /// No limit; typed as `-1`.
    Unlimited,
    /// So many.
    Most(std::num::NonZeroU32),
}

integer_value!(
    PidsLimit,
    "a number of processes, or -1 for no limit",
    "100"
);

impl PidsLimit {
    /// 1024, the default of a pool.
    pub const DEFAULT: Self = Self::Most(std::num::NonZeroU32::new(1024).expect("1024 is not 0"));

    /// As engines take it: -1 is no limit.
    pub fn as_i64(self) -> i64 {
        match self {
            Self::Unlimited => -1,
            Self::Most(limit) => i64::from(limit.get()),
        }
    }
}

impl From<PidsLimit> for i64 {
    fn from(limit: PidsLimit) -> Self {
        limit.as_i64()
    }
}

impl FromStr for PidsLimit {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-1" {
            return Ok(Self::Unlimited);
        }
        text.parse().map(Self::Most).map_err(|_| {
            let hint = "use a whole number above 0, or -1 for no limit";
            InvalidValue::new("number of processes", text, hint)
        })
    }
}

impl fmt::Display for PidsLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_i64().fmt(formatter)
    }
}
