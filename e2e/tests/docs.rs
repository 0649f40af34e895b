//! The examples of the documents do what they say.

use std::time::Duration;

use longshore_testkit::{longshore_bin, shared_engine, temp_dir, workspace_dir};

/// Runs every console block of a document, in order, on one new store.
fn run_examples(document: &str) {
    let store = temp_dir();
    trycmd::TestCases::new()
        .register_bin("longshore", longshore_bin())
        .env("LONGSHORE_STORE", store.path().display().to_string())
        .env("DOCKER_HOST", shared_engine().docker_host())
        .timeout(Duration::from_mins(1))
        .case(workspace_dir().join(document))
        .run();
}

#[test]
fn every_example_of_the_guide_does_what_it_says() {
    run_examples("docs/guide.md");
}

#[test]
fn every_example_of_the_readme_does_what_it_says() {
    run_examples("README.md");
}
