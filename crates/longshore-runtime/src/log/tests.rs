//! Logs that are written and read at once, beyond their limit and on a disk that is full.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use jiff::Timestamp;
use longshore_core::log::{Frame, Stream};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Lines, LogFile, LogWriter};

struct Play {
    _folder: TempDir,
    path: PathBuf,
    writer: LogWriter,
}

impl Play {
    fn new(limit_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let writer = LogWriter::create(&path, limit_bytes).unwrap();
        Self {
            _folder: folder,
            path,
            writer,
        }
    }

    fn line(&mut self, number: u64) {
        let text = format!("line {number}\n");
        self.writer
            .push(Stream::Stdout, at(number), text.as_bytes());
        self.writer.flush(at(number));
    }

    fn reader(&self) -> LogFile {
        LogFile::open(&self.path).unwrap().unwrap()
    }
}

fn at(number: u64) -> Timestamp {
    let start = 1_700_000_000_000_000_000_i128;
    Timestamp::from_nanosecond(start + i128::from(number)).unwrap()
}

fn rest(reader: &mut LogFile) -> Vec<Frame> {
    std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
}

fn text(frame: &Frame) -> String {
    String::from_utf8(frame.bytes.to_vec()).unwrap()
}

fn texts(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(text).collect()
}

/// The number in a line; none of a note.
fn number(frame: &Frame) -> Option<u64> {
    text(frame).strip_prefix("line ")?.trim().parse().ok()
}

#[test]
fn frames_are_read_as_they_were_written() {
    let mut play = Play::new(1 << 20);
    play.writer.push(Stream::Stdout, at(1), b"a\n");
    play.writer.push(Stream::Stderr, at(2), b"\0\xff");
    play.writer.push(Stream::Stdout, at(3), b"");
    play.writer.flush(at(3));
    let frames = rest(&mut play.reader());
    let frame = |stream, number, bytes: &'static [u8]| Frame {
        stream,
        at: at(number),
        bytes: bytes.into(),
    };
    let expected = [
        frame(Stream::Stdout, 1, b"a\n"),
        frame(Stream::Stderr, 2, b"\0\xff"),
        frame(Stream::Stdout, 3, b""),
    ];
    assert_eq!(frames, expected);
}

#[test]
fn a_reader_goes_on_where_the_log_does() {
    let mut play = Play::new(1 << 20);
    let mut reader = play.reader();
    assert_eq!(reader.next_frame().unwrap(), None);
    for number in 0..10 {
        play.line(number);
        assert_eq!(texts(&rest(&mut reader)), [format!("line {number}\n")]);
    }
}

#[test]
fn a_frame_that_is_half_written_is_not_there_yet() {
    let mut play = Play::new(1 << 20);
    play.line(1);
    play.line(2);
    let whole = std::fs::read(&play.path).unwrap();
    let first = super::form::frame_size("line 1\n".len()) + super::form::HEAD;
    for length in first..whole.len() {
        std::fs::write(&play.path, &whole[..length]).unwrap();
        let mut reader = play.reader();
        assert_eq!(texts(&rest(&mut reader)), ["line 1\n"], "of {length} bytes");
        std::fs::write(&play.path, &whole).unwrap();
        assert_eq!(texts(&rest(&mut reader)), ["line 2\n"], "of {length} bytes");
    }
}

#[test]
fn head_and_tail_are_kept_and_what_is_missing_is_counted() {
    let mut play = Play::new(64 * 1024);
    for number in 0..100_000 {
        play.line(number);
    }
    let frames = rest(&mut play.reader());
    let gap = frames.iter().position(|frame| frame.stream == Stream::Note);
    let (head, tail) = frames.split_at(gap.unwrap());
    let numbers = |frames: &[Frame]| frames.iter().filter_map(number).collect::<Vec<u64>>();
    let (first, last) = (numbers(head), numbers(tail));
    assert_eq!(first, (0..first.len() as u64).collect::<Vec<_>>());
    assert_eq!(last, (last[0]..100_000).collect::<Vec<_>>());
    let missing = first.len() as u64..last[0];
    let bytes: usize = missing.map(|number| format!("line {number}\n").len()).sum();
    let note = format!(
        "[longshore: the log has grown beyond its limit, {bytes} bytes are missing here]\n"
    );
    assert_eq!(text(&tail[0]), note);
    assert_eq!(play.writer.totals().dropped_bytes, bytes as u64);
    let on_disk = std::fs::metadata(&play.path).unwrap().blocks() * 512;
    assert!(on_disk <= 96 * 1024, "{on_disk}");
}

#[test]
fn a_follower_that_keeps_up_misses_nothing_of_a_log_beyond_its_limit() {
    let mut play = Play::new(16 * 1024);
    let mut reader = play.reader();
    for number in 0..10_000 {
        play.line(number);
        assert_eq!(texts(&rest(&mut reader)), [format!("line {number}\n")]);
    }
}

#[test]
fn a_follower_that_is_overtaken_is_told_how_much_it_missed() {
    let mut play = Play::new(16 * 1024);
    let mut reader = play.reader();
    let mut seen = Vec::new();
    for round in 0..50 {
        for number in 0..1_000 {
            play.line(round * 1_000 + number);
        }
        // Less than all of what was read at once, so that it lags behind.
        seen.extend(std::iter::from_fn(|| reader.next_frame().unwrap()).take(100));
    }
    seen.extend(rest(&mut reader));
    let kept: u64 = seen
        .iter()
        .filter(|frame| frame.stream == Stream::Stdout)
        .map(|frame| frame.bytes.len() as u64)
        .sum();
    let told: u64 = seen
        .iter()
        .filter(|frame| frame.stream == Stream::Note)
        .map(|frame| {
            let text = text(frame);
            let words: Vec<&str> = text.split(' ').collect();
            words[words.len() - 5].parse::<u64>().unwrap()
        })
        .sum();
    assert!(told > 0);
    assert_eq!(kept + told, play.writer.totals().written_bytes);
}

#[test]
fn the_last_frames_are_the_end_of_all_frames() {
    for (limit, lines) in [(1 << 20, 0), (1 << 20, 100), (4 * 1024, 3_000)] {
        let mut play = Play::new(limit);
        for number in 0..lines {
            play.line(number);
        }
        let all = rest(&mut play.reader());
        for count in [0, 1, 2, 7, all.len(), all.len() + 5] {
            let mut reader = play.reader();
            reader.seek_last(count).unwrap();
            let last = rest(&mut reader);
            let expected = &all[all.len().saturating_sub(count)..];
            assert_eq!(texts(&last), texts(expected), "{count} of {lines} lines");
        }
    }
}

#[test]
fn what_cannot_be_written_is_counted_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut writer = LogWriter::create(&path, 1 << 20).unwrap();
    writer.push(Stream::Stdout, at(1), b"before\n");
    writer.flush(at(1));
    writer.push(Stream::Stdout, at(2), b"not written\n");
    writer.break_disk(|writer| writer.flush(at(2)));
    writer.push(Stream::Stdout, at(3), b"behind\n");
    writer.flush(at(3));
    let frames = rest(&mut LogFile::open(&path).unwrap().unwrap());
    let note = "[longshore: 12 bytes could not be written to the disk]\n";
    assert_eq!(texts(&frames), ["before\n", note, "behind\n"]);
    assert_eq!(writer.totals().dropped_bytes, 12);
}

fn lines_of(output: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut play = Play::new(1 << 30);
    let mut lines = Lines::of(Stream::Stdout);
    let mut rest_of_output = output;
    for size in sizes.iter().cycle() {
        if rest_of_output.is_empty() {
            break;
        }
        let (piece, behind) = rest_of_output.split_at((*size).min(rest_of_output.len()));
        lines.feed(piece, at(1), &mut play.writer);
        rest_of_output = behind;
    }
    lines.end(at(2), &mut play.writer);
    play.writer.flush(at(2));
    let frames = rest(&mut play.reader());
    frames.iter().map(|frame| frame.bytes.to_vec()).collect()
}

#[test]
fn a_long_line_comes_in_parts_of_sixteen_kib() {
    let mut output = vec![b'x'; 40_000];
    output.extend(b"\nshort\nno newline");
    let lines = lines_of(&output, &[1_000]);
    let lengths: Vec<usize> = lines.iter().map(Vec::len).collect();
    assert_eq!(lengths, [16_384, 16_384, 40_001 - 32_768, 6, 10]);
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_how_output_comes(
        output in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a')], 0..200),
        sizes in proptest::collection::vec(1..40_usize, 1..10),
    ) {
        let lines = lines_of(&output, &sizes);
        prop_assert_eq!(lines.concat(), output.clone());
        prop_assert_eq!(lines, lines_of(&output, &[usize::MAX]));
    }
}

#[test]
fn a_log_that_was_hardly_begun_is_none() {
    let play = Play::new(1000);
    std::fs::write(&play.path, "LSLOG").unwrap();
    assert!(LogFile::open(&play.path).unwrap().is_none());
}
