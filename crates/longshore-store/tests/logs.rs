//! Logs: exact, followed while they grow, capped with a marked gap, whole again after a crash.

#![expect(clippy::unwrap_used, reason = "a scenario stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use longshore_core::log::{Frame, Stream};
use longshore_core::{AttemptId, Timestamp};
use longshore_store::{LogQuery, LogStore, LogWriter};
use uuid::Uuid;

const NO_LIMIT: u64 = u64::MAX;
/// No test waits longer than this for what must happen.
const SOON: Duration = Duration::from_secs(20);

fn attempt() -> AttemptId {
    AttemptId::new(Uuid::from_u128(7))
}

fn frame(stream: Stream, nanosecond: i64, bytes: impl Into<Bytes>) -> Frame {
    let at = Timestamp::from_nanosecond(1_800_000_000_000_000_000 + i128::from(nanosecond));
    Frame {
        stream,
        at: at.unwrap(),
        bytes: bytes.into(),
    }
}

fn lines(from: i64, to: i64) -> Vec<Frame> {
    let stream = |number| {
        if number % 3 == 0 {
            Stream::Stderr
        } else {
            Stream::Stdout
        }
    };
    (from..to)
        .map(|n| frame(stream(n), n, format!("line {n}\n")))
        .collect()
}

async fn write(logs: &LogStore, limit: u64, frames: &[Frame]) -> LogWriter {
    let mut writer = LogWriter::open(logs, attempt(), limit).await.unwrap();
    for frame in frames {
        writer.append(frame.clone()).await.unwrap();
    }
    writer
}

async fn read(logs: &LogStore, query: LogQuery) -> Vec<Frame> {
    logs.read(attempt(), query).try_collect().await.unwrap()
}

async fn all(logs: &LogStore) -> Vec<Frame> {
    read(logs, LogQuery::default()).await
}

fn store(folder: &Path) -> LogStore {
    LogStore::local(folder).unwrap()
}

#[tokio::test]
async fn what_was_appended_is_read_by_another_process_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut frames = lines(0, 100);
    frames.push(frame(Stream::Stdout, 100, (0..=255).collect::<Vec<u8>>()));
    frames.push(frame(Stream::Stderr, 101, vec![b'x'; 64 * 1024]));
    frames.push(frame(Stream::Note, 102, "a note\n"));
    frames.push(frame(Stream::Stdout, 103, "no newline"));
    let writer = write(&store(folder.path()), NO_LIMIT, &frames).await;
    let totals = writer.finish().await.unwrap();
    let other = store(folder.path());
    assert_eq!(all(&other).await, frames);
    assert_eq!(other.totals(attempt()).await.unwrap(), totals);
    assert_eq!((totals.frames, totals.dropped_bytes), (103, 0));
}

#[tokio::test]
async fn large_logs_are_many_chunks_and_come_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let big = |n: i64| {
        frame(
            Stream::Stdout,
            n,
            vec![u8::try_from(n % 251).unwrap(); 50_000],
        )
    };
    let frames: Vec<_> = (0..60).map(big).collect();
    let writer = write(&store(folder.path()), NO_LIMIT, &frames).await;
    let totals = writer.finish().await.unwrap();
    assert!(totals.chunks > 8, "{totals:?}");
    assert_eq!(all(&store(folder.path())).await, frames);
}

#[tokio::test]
async fn a_silent_attempt_leaves_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let logs = store(folder.path());
    let totals = write(&logs, NO_LIMIT, &[]).await.finish().await.unwrap();
    assert_eq!(totals, logs.totals(attempt()).await.unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn slow_output_is_readable_by_others_without_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let writer = write(&store(folder.path()), NO_LIMIT, &lines(0, 1)).await;
    let other = store(folder.path());
    let mut frames = other.follow(attempt(), LogQuery::default(), async || false);
    let first = tokio::time::timeout(SOON, frames.next()).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), lines(0, 1)[0]);
    drop(writer);
}

async fn follow_all(reader: LogStore) -> Vec<Frame> {
    let followed = reader.follow(attempt(), LogQuery::default(), async || false);
    tokio::time::timeout(SOON, followed.try_collect())
        .await
        .unwrap()
        .unwrap()
}

async fn is_followed_to_its_end(logs: &LogStore, reader: LogStore) {
    let frames = lines(0, 30_000);
    let written = async {
        let writer = write(logs, NO_LIMIT, &frames).await;
        writer.finish().await.unwrap();
    };
    let ((), followed) = tokio::join!(written, follow_all(reader));
    assert!(
        followed == frames,
        "{} of {} frames",
        followed.len(),
        frames.len()
    );
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_in_the_same_process() {
    let folder = tempfile::tempdir().unwrap();
    let logs = store(folder.path());
    is_followed_to_its_end(&logs, logs.clone()).await;
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_in_another_process() {
    let folder = tempfile::tempdir().unwrap();
    is_followed_to_its_end(&store(folder.path()), store(folder.path())).await;
}

#[tokio::test]
async fn following_ends_when_the_attempt_is_over_without_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let followed = store(folder.path()).follow(attempt(), LogQuery::default(), async || true);
    let frames: Vec<_> = tokio::time::timeout(SOON, followed.collect())
        .await
        .unwrap();
    assert!(frames.is_empty());
}

#[tokio::test]
async fn a_capped_log_keeps_head_and_tail_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let frames = lines(0, 10_000);
    let logs = store(folder.path());
    let totals = write(&logs, 20_000, &frames).await.finish().await.unwrap();
    let kept = all(&logs).await;
    let gap = kept
        .iter()
        .position(|frame| frame.stream == Stream::Note)
        .unwrap();
    let (head, tail) = (&kept[..gap], &kept[gap + 1..]);
    assert_eq!(head, &frames[..head.len()]);
    assert_eq!(tail, &frames[frames.len() - tail.len()..]);
    let bytes = |frames: &[Frame]| {
        frames
            .iter()
            .map(|frame| frame.bytes.len() as u64)
            .sum::<u64>()
    };
    assert_eq!(
        bytes(head) + bytes(tail) + totals.dropped_bytes,
        bytes(&frames)
    );
    assert!((5_000..=10_000).contains(&bytes(head)), "{}", bytes(head));
    assert!((5_000..=13_000).contains(&bytes(tail)), "{}", bytes(tail));
    let note = String::from_utf8_lossy(&kept[gap].bytes).into_owned();
    assert!(
        note.contains(&format!("{} bytes", totals.dropped_bytes)),
        "{note}"
    );
    assert_eq!(totals.frames, 10_000);
}

#[tokio::test]
async fn a_writer_that_is_opened_again_knows_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let frames = lines(0, 200);
    let logs = store(folder.path());
    let mut writer = write(&logs, NO_LIMIT, &frames).await;
    writer
        .append(frame(Stream::Note, 200, "reconnected\n"))
        .await
        .unwrap();
    drop(writer);
    let mut writer = LogWriter::open(&logs, attempt(), NO_LIMIT).await.unwrap();
    assert_eq!(writer.frames(), 200);
    let recent: Vec<_> = writer.recent().cloned().collect();
    assert_eq!(recent, frames[136..]);
    writer.append(lines(200, 201).remove(0)).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(all(&logs).await.len(), 202);
}

#[tokio::test]
async fn a_torn_last_chunk_is_dropped_and_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let frames = lines(0, 40_000);
    write(&store(folder.path()), NO_LIMIT, &frames)
        .await
        .flush()
        .await
        .unwrap();
    let mut chunks: Vec<_> = std::fs::read_dir(folder.path().join(attempt().to_string()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    chunks.sort();
    let torn = std::fs::File::options()
        .write(true)
        .open(chunks.last().unwrap())
        .unwrap();
    torn.set_len(torn.metadata().unwrap().len() / 2).unwrap();
    let logs = store(folder.path());
    let mut writer = LogWriter::open(&logs, attempt(), NO_LIMIT).await.unwrap();
    let kept = usize::try_from(writer.frames()).unwrap();
    assert!(kept > 0 && kept < frames.len(), "{kept}");
    assert_eq!(writer.recent().next_back(), Some(&frames[kept - 1]));
    for frame in &frames[kept..] {
        writer.append(frame.clone()).await.unwrap();
    }
    writer.finish().await.unwrap();
    assert!(all(&logs).await == frames);
}

#[tokio::test]
async fn a_chunk_that_is_lost_in_the_middle_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    write(&store(folder.path()), NO_LIMIT, &lines(0, 40_000))
        .await
        .finish()
        .await
        .unwrap();
    let lost = folder
        .path()
        .join(attempt().to_string())
        .join("00000001.zst");
    std::fs::write(lost, b"LSLG\x01 nonsense").unwrap();
    let kept = all(&store(folder.path())).await;
    let note = kept
        .iter()
        .find(|frame| frame.stream == Stream::Note)
        .unwrap();
    assert!(note.bytes.ends_with(b"are missing here\n"), "{note:?}");
}

#[tokio::test]
async fn the_tail_is_counted_in_lines_not_frames() {
    let folder = tempfile::tempdir().unwrap();
    let frames = [
        frame(Stream::Stdout, 0, "a\nb\n"),
        frame(Stream::Stdout, 1, "c, first half; "),
        frame(Stream::Stdout, 2, "second half\n"),
        frame(Stream::Stderr, 3, "unfinished"),
    ];
    let logs = store(folder.path());
    write(&logs, NO_LIMIT, &frames)
        .await
        .finish()
        .await
        .unwrap();
    for (lines, text) in [
        (0, ""),
        (1, "unfinished"),
        (2, "c, first half; second half\nunfinished"),
        (3, "b\nc, first half; second half\nunfinished"),
        (4, "a\nb\nc, first half; second half\nunfinished"),
        (9, "a\nb\nc, first half; second half\nunfinished"),
    ] {
        let read = read(
            &logs,
            LogQuery {
                tail: Some(lines),
                ..LogQuery::default()
            },
        )
        .await;
        let bytes: Vec<u8> = read.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), text, "{lines} lines");
    }
}

#[tokio::test]
async fn since_tail_and_streams_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let frames = lines(0, 30_000);
    let logs = store(folder.path());
    write(&logs, NO_LIMIT, &frames)
        .await
        .finish()
        .await
        .unwrap();
    let since = Some(frames[29_000].at);
    let wanted = |frame: &&Frame| Some(frame.at) >= since && frame.stream == Stream::Stderr;
    let streams = vec![Stream::Stderr];
    let of_both = read(
        &logs,
        LogQuery {
            since,
            tail: None,
            streams: streams.clone(),
        },
    )
    .await;
    assert_eq!(
        of_both,
        frames.iter().filter(wanted).cloned().collect::<Vec<_>>()
    );
    let last = read(
        &logs,
        LogQuery {
            since,
            tail: Some(5),
            streams: streams.clone(),
        },
    )
    .await;
    assert_eq!(last, of_both[of_both.len() - 5..]);
    let more = read(
        &logs,
        LogQuery {
            since,
            tail: Some(5_000),
            streams,
        },
    )
    .await;
    assert_eq!(more, of_both);
}

#[tokio::test]
async fn a_deleted_log_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let logs = store(folder.path());
    write(&logs, NO_LIMIT, &lines(0, 9))
        .await
        .finish()
        .await
        .unwrap();
    logs.delete(attempt()).await.unwrap();
    logs.delete(attempt()).await.unwrap();
    assert!(all(&logs).await.is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
