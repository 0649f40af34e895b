//! Where the end of a log that was kept lies in the end of the log as the engine has it.
//!
//! A follow stream may lose the last, unterminated line. After an exit the last frames are read
//! once more; what the kept log lacks is whatever follows the place where both agree.

use longshore_core::log::Frame;

/// How many of the last frames are already kept; `None` when that cannot be told from these.
///
/// `kept` are the last frames that were kept, `last` the last frames that the engine has.
pub(crate) fn already_kept(kept: &[Frame], last: &[Frame]) -> Option<usize> {
    if last.is_empty() {
        return Some(0);
    }
    let mut agreements = (1..=last.len().min(kept.len()))
        .filter(|&count| kept[kept.len() - count..] == last[..count]);
    // Frames of one long line may be equal in every respect: then there are several places.
    let only = agreements.next()?;
    agreements.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use longshore_core::log::Stream;
    use proptest::prelude::*;

    use super::*;

    fn frame(at: i64, text: &str) -> Frame {
        Frame {
            stream: Stream::Stdout,
            at: Timestamp::from_second(at).unwrap(),
            bytes: Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    #[test]
    fn nothing_is_missing_when_both_ends_agree() {
        let log = [frame(1, "a\n"), frame(2, "b\n")];
        assert_eq!(already_kept(&log, &log), Some(2));
    }

    #[test]
    fn a_lost_last_line_is_found() {
        let log = [frame(1, "a\n"), frame(2, "b\n"), frame(3, "world")];
        assert_eq!(already_kept(&log[..2], &log), Some(2));
    }

    #[test]
    fn equal_frames_alone_tell_nothing() {
        let zeros = vec![frame(1, "0000"); 5];
        assert_eq!(already_kept(&zeros[..3], &zeros), None);
    }

    #[test]
    fn ends_that_share_nothing_tell_nothing() {
        assert_eq!(
            already_kept(&[frame(1, "a")], &[frame(8, "x"), frame(9, "y")]),
            None
        );
    }

    proptest! {
        #[test]
        fn whatever_is_missing_is_found_or_declared_unknown(
            texts in proptest::collection::vec(("[ab]", 0i64..4), 1..40),
            (window, missing) in (1usize..20).prop_flat_map(|window| (Just(window), 0..window)),
        ) {
            let log: Vec<Frame> = texts.iter().map(|(text, at)| frame(*at, text)).collect();
            let kept = &log[..log.len().saturating_sub(missing)];
            let last = &log[log.len().saturating_sub(window)..];
            if let Some(count) = already_kept(kept, last) {
                let rebuilt: Vec<Frame> = kept.iter().chain(&last[count..]).cloned().collect();
                prop_assert_eq!(rebuilt, log.clone());
            }
        }
    }
}
