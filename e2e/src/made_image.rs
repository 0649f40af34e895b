//! Images that a test makes on an engine.

use longshore_testkit::{DEMO_IMAGE, EngineAccess, unique_name};

/// The demo image after `script` has run in it, under a name of its own, which is returned.
///
/// # Panics
/// When the engine refuses.
pub fn image_of(engine: &EngineAccess, script: &str) -> String {
    let name = unique_name("longshore-made");
    let run = ["run", "--name", &name, DEMO_IMAGE, "sh", "-c", script];
    engine.docker(run).expect("a container");
    let committed = engine.docker(["commit", &name, &name]);
    engine
        .docker(["rm", "--volumes", &name])
        .expect("the container can go");
    committed.expect("an image of it");
    name
}

/// A script that leaves so many bytes which cannot be compressed.
pub fn noise(bytes: u32) -> String {
    format!("head -c {bytes} /dev/urandom > /noise")
}
