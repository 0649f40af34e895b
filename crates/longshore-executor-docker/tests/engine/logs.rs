//! Not one byte of a log is lost, changed or moved to the other stream.

use std::fmt::Write;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use longshore_core::log::{Frame, Stream};
use longshore_executor::{Executor, LogRange};

use crate::scene::{Scene, bytes_of};

#[tokio::test]
async fn a_line_without_its_newline_is_never_lost_in_200_short_runs() {
    const AT_ONCE: usize = 6;
    let scene = Scene::shared();
    let runs = stream::iter(0..200).map(|run| {
        let scene = &scene;
        async move {
            let handle = scene
                .started(&scene.script(&format!("printf x{run}")))
                .await;
            // Followed while it runs by one, read afterwards by the next.
            let range = if run % 2 == 0 {
                LogRange::Follow
            } else {
                LogRange::All
            };
            let followed = match range {
                LogRange::Follow => scene.frames(&handle, range).await,
                LogRange::All | LogRange::Last(_) => Vec::new(),
            };
            scene.ended(&handle).await;
            let read = scene.frames(&handle, LogRange::All).await;
            scene
                .executor
                .remove(&handle, longshore_executor::Force::Never)
                .await
                .unwrap();
            assert_eq!(
                bytes_of(&read, Stream::Stdout),
                format!("x{run}").into_bytes()
            );
            // The engine's follow may lose the end of a line that has none: then it is missing at
            // the end, where the reading afterwards has it.
            assert!(
                read.starts_with(&followed),
                "run {run}: {followed:?} is no start of {read:?}"
            );
        }
    });
    runs.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_come_through_unchanged() {
    let scene = Scene::shared();
    let script = r"i=0; while [ $i -lt 256 ]; do printf \\$(printf %03o $i); i=$((i+1)); done; \
                   head -c 300000 /dev/urandom >/tmp/r; cat /tmp/r >&2; md5sum </tmp/r; md5sum </tmp/r >&2";
    let (handle, _) = scene.ran(&scene.script(script)).await;
    let frames = scene.frames(&handle, LogRange::All).await;
    let stdout = bytes_of(&frames, Stream::Stdout);
    let every_byte: Vec<u8> = (0..=255).collect();
    assert_eq!(stdout[..256], every_byte[..]);
    let mut sums = scene.engine.docker_command();
    sums.args(["run", "--rm", "--interactive", "demo-image", "md5sum"]);
    let random = longshore_testkit::temp_dir();
    let file = random.path().join("bytes");
    std::fs::write(&file, &bytes_of(&frames, Stream::Stderr)[..300_000]).unwrap();
    let sum = longshore_testkit::feed(&mut sums, &file).unwrap();
    assert_eq!(String::from_utf8_lossy(&stdout[256..]), sum);
}

#[tokio::test]
async fn twenty_megabytes_on_both_streams_are_complete_and_in_order() {
    let scene = Scene::shared();
    let lines = r#"awk 'BEGIN { for (i = 1; i <= 200000; i++) printf "%099d\n", i }'"#;
    let script = format!("{lines} >&2 & {lines}; wait");
    let (handle, _) = scene.ran(&scene.script(&script)).await;
    let frames = scene.frames(&handle, LogRange::All).await;
    let mut expected = String::new();
    for number in 1..=200_000 {
        writeln!(expected, "{number:099}").unwrap();
    }
    for stream in [Stream::Stdout, Stream::Stderr] {
        assert!(
            bytes_of(&frames, stream) == expected.as_bytes(),
            "{stream:?} differs"
        );
    }
    assert_eq!(scene.frames(&handle, LogRange::All).await, frames);
}

#[tokio::test]
async fn lines_of_both_streams_keep_their_order_when_they_are_written_one_by_one() {
    let scene = Scene::shared();
    // The engine copies the two streams side by side: what is written far apart is in order.
    let script = "for i in 1 2 3; do echo out$i; sleep 0.4; echo err$i >&2; sleep 0.4; done";
    let (handle, _) = scene.ran(&scene.script(script)).await;
    let frames = scene.frames(&handle, LogRange::All).await;
    let lines: Vec<String> = frames
        .iter()
        .map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned())
        .collect();
    let expected: Vec<String> = (1..=3)
        .flat_map(|i| [format!("out{i}\n"), format!("err{i}\n")])
        .collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_line_of_64_kib_is_one_line_in_several_frames() {
    let scene = Scene::shared();
    let (handle, _) = scene
        .ran(&scene.script("head -c 65536 /dev/zero | tr '\\0' a; echo; echo end"))
        .await;
    let frames = scene.frames(&handle, LogRange::All).await;
    let expected = format!("{}\nend\n", "a".repeat(65536));
    assert!(bytes_of(&frames, Stream::Stdout) == expected.as_bytes());
    assert!(frames.len() > 2);
}

#[tokio::test]
async fn followed_and_read_frames_are_the_same_with_the_hosts_nanoseconds() {
    let scene = Scene::shared();
    let before = Timestamp::now();
    let handle = scene
        .started(&scene.script("for i in 1 2 3 4 5 6 7 8 9; do echo $i; usleep 30000; done"))
        .await;
    let followed = scene.frames(&handle, LogRange::Follow).await;
    scene.ended(&handle).await;
    let read = scene.frames(&handle, LogRange::All).await;
    assert_eq!(followed, read);
    assert_eq!(read.len(), 9);
    assert!(
        read.iter()
            .all(|frame| frame.at >= before && frame.at <= Timestamp::now())
    );
    assert!(
        read.iter()
            .any(|frame| frame.at.subsec_nanosecond() % 1000 != 0)
    );
}

#[tokio::test]
async fn the_last_frames_are_the_end_of_all() {
    let scene = Scene::shared();
    let (handle, _) = scene.ran(&scene.script("seq 1 1000")).await;
    let all = scene.frames(&handle, LogRange::All).await;
    let last: Vec<Frame> = scene.frames(&handle, LogRange::Last(3)).await;
    assert_eq!(last, all[997..]);
}

#[tokio::test]
async fn a_follower_gets_a_line_while_the_job_runs() {
    let scene = Scene::shared();
    let handle = scene.started(&scene.script("echo now; sleep 60")).await;
    let mut frames = scene
        .executor
        .logs(&handle, LogRange::Follow)
        .await
        .unwrap();
    assert_eq!(frames.next().await.unwrap().unwrap().bytes, "now\n");
}
