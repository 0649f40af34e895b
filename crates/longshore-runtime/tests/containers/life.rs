//! From being made to being gone.

use longshore_core::log::Stream;
use longshore_runtime::{Delivered, EndCause, Made, Removal, RuntimeError, Status, WhileRunning};

use crate::ground::Ground;

#[test]
fn a_container_runs_its_program_and_says_how_it_ended() {
    let ground = Ground::new();
    let config = ground.script("life", "echo out; echo err >&2; exit 37");
    let ended = ground.run(&config);
    assert_eq!((ended.code, ended.cause), (37, EndCause::Itself));
    assert_eq!(ground.stdout(&config.name), "out\n");
    assert_eq!(ground.output(&config.name, Stream::Stderr), "err\n");
    assert!(ended.finished_at >= ended.started_at);
}
