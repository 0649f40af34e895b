//! Reading what a container printed.

use longshore_core::log::Stream;

use crate::contract::fixture::bytes_of;
use crate::contract::{Fixture, Program};
use crate::{Force, LogRange};

/// Lines, a last line without newline, and bytes that are no text.
fn talk(then_secs: u32) -> Program {
    Program::Print {
        stdout: b"one\ntwo\n\xff\x00%s\\n\nlast without newline".to_vec(),
        stderr: b"oops\n\xf0\x9f".to_vec(),
        then_secs,
    }
}

/// Nothing is added, lost or moved between the streams.
pub async fn every_byte_of_both_streams_is_in_the_log(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&talk(0)).await;
    let log = fixture.log(&handle, LogRange::All).await;
    assert_eq!(
        bytes_of(&log, Stream::Stdout),
        b"one\ntwo\n\xff\x00%s\\n\nlast without newline"
    );
    assert_eq!(bytes_of(&log, Stream::Stderr), b"oops\n\xf0\x9f");
    assert!(bytes_of(&log, Stream::Note).is_empty());
}

/// Readers resume by counting frames.
pub async fn a_second_reading_gives_the_same_frames(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&talk(0)).await;
    let first = fixture.log(&handle, LogRange::All).await;
    let second = fixture.log(&handle, LogRange::All).await;
    assert!(first.len() >= 2);
    assert_eq!(first, second);
}

/// Also when more are wanted than there are.
pub async fn the_last_frames_are_the_end_of_all_frames(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&talk(0)).await;
    let all = fixture.log(&handle, LogRange::All).await;
    let last = fixture.log(&handle, LogRange::Last(2)).await;
    assert_eq!(last, all[all.len() - 2..]);
    assert_eq!(fixture.log(&handle, LogRange::Last(1000)).await, all);
}

/// The end of a log may miss in a follow, never the beginning or the middle.
pub async fn a_follower_gets_the_frames_in_order_and_comes_to_an_end(fixture: &Fixture) {
    let (_, handle) = fixture.started(&talk(1)).await;
    let followed = fixture.log(&handle, LogRange::Follow).await;
    fixture.exit(&handle).await;
    let all = fixture.log(&handle, LogRange::All).await;
    assert!(followed.len() >= 2, "{followed:?}");
    assert_eq!(followed, all[..followed.len()]);
}

/// A worker that adopts an attempt may come after its end.
pub async fn following_an_ended_container_comes_to_an_end(fixture: &Fixture) {
    let (_, handle) = fixture.ended(&talk(0)).await;
    let all = fixture.log(&handle, LogRange::All).await;
    let followed = fixture.log(&handle, LogRange::Follow).await;
    assert_eq!(followed, all);
}

/// Absence is a value here too.
pub async fn a_log_is_empty_before_the_start_and_after_the_removal(fixture: &Fixture) {
    let handle = fixture.create(&fixture.launch(&talk(0))).await;
    assert_eq!(fixture.log(&handle, LogRange::All).await, []);
    fixture.start(&handle).await;
    fixture.exit(&handle).await;
    fixture.remove(&handle, Force::Never).await;
    assert_eq!(fixture.log(&handle, LogRange::All).await, []);
}
