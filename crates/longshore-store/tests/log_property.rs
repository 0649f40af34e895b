//! Whatever comes, in whatever pieces, with whatever cap and however many new starts: what is read
//! is what was appended, or there is a note where something is missing.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use longshore_core::log::{Frame, Stream};
use longshore_core::{AttemptId, Timestamp};
use longshore_store::{LogQuery, LogStore, LogTotals, LogWriter};
use proptest::prelude::*;
use uuid::Uuid;

/// What a writer goes through after a frame.
#[derive(Clone, Copy, Debug)]
enum Turn {
    GoOn,
    Flush,
    /// The writer is dropped and the log opened again.
    Reopen,
    /// The process dies: what was not flushed is gone, and is appended again.
    Crash,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        20 => Just(Turn::GoOn),
        1 => Just(Turn::Flush),
        1 => Just(Turn::Reopen),
        1 => Just(Turn::Crash),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (any::<u8>(), 0_usize..70_000).prop_map(|(byte, length)| vec![byte; length]),
    ];
    (
        stream,
        -1_000_000_000_i64..4_000_000_000,
        0..1_000_000_000_i32,
        bytes,
    )
        .prop_map(|(stream, second, nanosecond, bytes)| {
            let at = Timestamp::new(second.max(0), nanosecond).unwrap();
            Frame {
                stream,
                at,
                bytes: bytes.into(),
            }
        })
}

fn attempt() -> AttemptId {
    AttemptId::new(Uuid::from_u128(7))
}

/// Writes all frames through all turns, as a pump does that reads the log again after each break.
/// Each crash goes on in another folder below `place`: what died may still be writing into the last.
async fn write(place: &Path, limit: u64, script: &[(Frame, Turn)]) -> (PathBuf, LogTotals) {
    let mut folder = place.join("0");
    let mut logs = LogStore::local(&folder).unwrap();
    let mut writer = LogWriter::open(&logs, attempt(), limit).await.unwrap();
    let mut turns: Vec<_> = script.iter().map(|(_, turn)| *turn).collect();
    let mut next = 0;
    while let Some((frame, _)) = script.get(next) {
        writer.append(frame.clone()).await.unwrap();
        match std::mem::replace(&mut turns[next], Turn::GoOn) {
            Turn::GoOn => {}
            Turn::Flush => writer.flush().await.unwrap(),
            Turn::Reopen => {
                drop(writer);
                writer = LogWriter::open(&logs, attempt(), limit).await.unwrap();
                assert_eq!(writer.frames(), next as u64 + 1);
            }
            Turn::Crash => {
                let wreck = folder;
                folder = place.join((next + 1).to_string());
                copy(&wreck, &folder);
                logs = LogStore::local(&folder).unwrap();
                writer = LogWriter::open(&logs, attempt(), limit).await.unwrap();
                assert!(writer.frames() <= next as u64 + 1);
            }
        }
        next = usize::try_from(writer.frames()).unwrap();
        let last = next.checked_sub(1).map(|last| &script[last].0);
        assert_eq!(writer.recent().next_back(), last);
    }
    (folder, writer.finish().await.unwrap())
}

/// What the files hold at this moment is what a crash would leave.
fn copy(from: &Path, to: &Path) {
    let log = Path::new(&attempt().to_string()).to_owned();
    std::fs::create_dir_all(to.join(&log)).unwrap();
    for entry in std::fs::read_dir(from.join(&log)).into_iter().flatten() {
        let name = entry.unwrap().file_name();
        let chunk = log.join(name);
        // Files that are being replaced at this moment are no chunks.
        let _ = std::fs::copy(from.join(&chunk), to.join(&chunk));
    }
}

/// Follows what was read through what was appended; a note stands for what it says is missing.
fn check(appended: &[Frame], read: &[Frame], totals: LogTotals, limit: u64) {
    let (mut place, mut missing_bytes) = (0, 0);
    for frame in read {
        if frame.stream != Stream::Note {
            assert_eq!(frame, &appended[place]);
            place += 1;
            continue;
        }
        let note = String::from_utf8(frame.bytes.to_vec()).unwrap();
        let numbers: Vec<usize> = note
            .split(|character: char| !character.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        let missing = &appended[place..place + numbers[1]];
        let bytes: usize = missing.iter().map(|frame| frame.bytes.len()).sum();
        assert_eq!(bytes, numbers[0], "{note}");
        missing_bytes += bytes as u64;
        place += missing.len();
    }
    assert_eq!(place, appended.len());
    assert_eq!(totals.dropped_bytes, missing_bytes);
    let all: u64 = appended.iter().map(|frame| frame.bytes.len() as u64).sum();
    assert_eq!(totals.stdout_bytes + totals.stderr_bytes, all);
    assert!(
        missing_bytes == 0 || all > limit,
        "{all} bytes fit into {limit}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_appended_or_has_a_marked_gap(
        script in prop::collection::vec((frame(), turn()), 0..250),
        limit in prop_oneof![Just(u64::MAX), 1_u64..200_000],
    ) {
        let place = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (folder, totals) = write(place.path(), limit, &script).await;
            let logs = LogStore::local(&folder).unwrap();
            let read: Vec<Frame> =
                logs.read(attempt(), LogQuery::default()).try_collect().await.unwrap();
            let appended: Vec<_> = script.iter().map(|(frame, _)| frame.clone()).collect();
            check(&appended, &read, totals, limit);
            assert_eq!(logs.totals(attempt()).await.unwrap(), totals);
        });
    }
}
