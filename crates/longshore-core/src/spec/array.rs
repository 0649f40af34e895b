//! Many jobs of one spec: which indexes they have, and how many hold a slot at once.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::AtOnce;
use super::text::{InvalidValue, text_value};
use crate::limits::SUBMIT_BATCH;

/// Indexes such as `0-99`, `1,3,7-9` or `0-99:10` (each tenth), and `%8` for at most eight at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArrayRange {
    text: String,
    indexes: BTreeSet<u32>,
    at_once: Option<AtOnce>,
}

text_value!(
    ArrayRange,
    Text,
    "indexes of an array's jobs, with how many hold a slot at once",
    "0-99%8"
);

impl ArrayRange {
    /// The indexes, in their order; never none.
    pub fn indexes(&self) -> impl Iterator<Item = u32> {
        self.indexes.iter().copied()
    }

    /// How many jobs.
    pub fn size(&self) -> usize {
        self.indexes.len()
    }

    /// How many of them hold a slot at once, if not all.
    pub fn at_once(&self) -> Option<AtOnce> {
        self.at_once
    }
}

impl FromStr for ArrayRange {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |hint: String| InvalidValue::new("array", text, hint);
        let (ranges, at_once) = match text.split_once('%') {
            Some((ranges, number)) => (ranges, Some(number)),
            None => (text, None),
        };
        let at_once = at_once.map(str::parse).transpose();
        let at_once = at_once
            .map_err(|_: InvalidValue| refuse("use a number of 1 or more after %".to_owned()))?;
        let mut indexes = BTreeSet::new();
        for part in ranges.split(',') {
            let (first, last, step) = parse_part(part).ok_or_else(|| {
                refuse("use indexes such as 0-99, 1,3,7-9 or 0-99:10, with %8 behind".to_owned())
            })?;
            let many = (first..=last).step_by(step);
            if many.clone().count() > SUBMIT_BATCH {
                return Err(refuse(format!("use at most {SUBMIT_BATCH} indexes")));
            }
            indexes.extend(many);
        }
        if indexes.len() > SUBMIT_BATCH {
            return Err(refuse(format!("use at most {SUBMIT_BATCH} indexes")));
        }
        Ok(Self {
            text: text.to_owned(),
            indexes,
            at_once,
        })
    }
}

/// First and last index of a part, and the step between them.
fn parse_part(part: &str) -> Option<(u32, u32, usize)> {
    let (range, step) = part.split_once(':').unwrap_or((part, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (parse_index(first)?, parse_index(last)?);
    let step = usize::try_from(parse_index(step)?).ok()?;
    (first <= last && step > 0).then_some((first, last, step))
}

fn parse_index(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

impl fmt::Display for ArrayRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_numbers_ranges_and_steps() {
        for (text, indexes, at_once) in [
            ("7", &[7][..], None),
            ("0-3", &[0, 1, 2, 3], None),
            ("1,3,7-9", &[1, 3, 7, 8, 9], None),
            ("0-20:10%2", &[0, 10, 20], Some(2)),
            ("3,1-2,2", &[1, 2, 3], None),
        ] {
            let range: ArrayRange = text.parse().unwrap();
            assert_eq!(range.indexes().collect::<Vec<_>>(), indexes, "{text}");
            assert_eq!(range.at_once().map(AtOnce::get), at_once, "{text}");
            assert_eq!(range.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_array_is_refused_with_what_to_type() {
        for (text, hint) in [
            ("", "use indexes such as"),
            ("3-1", "use indexes such as"),
            ("-1", "use indexes such as"),
            ("0-9:0", "use indexes such as"),
            ("+1", "use indexes such as"),
            ("1,,2", "use indexes such as"),
            ("0-9%0", "after %"),
            ("0-9%", "after %"),
            ("0-10000", "at most 10000"),
            ("0-4294967295", "use indexes such as"),
            ("0-9999,20000", "at most 10000"),
        ] {
            let error = text.parse::<ArrayRange>().unwrap_err();
            assert!(error.hint().contains(hint), "{text}: {error}");
        }
        assert_eq!("0-9999".parse::<ArrayRange>().unwrap().size(), 10_000);
    }
}
