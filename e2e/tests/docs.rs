//! The examples of the documents do what they say.

use std::time::Duration;

use longshore_testkit::{
    LegacyRelease, LegacySite, longshore_bin, shared_engine, temp_dir, workspace_dir,
};

/// A few rows of a legacy installation.
const OLD_ROWS: &str = "
from container_manager.models import ContainerJob, EnvironmentVariableTemplate, ExecutorHost
host = ExecutorHost.objects.create(name='old', connection_string='unix:///var/run/docker.sock')
EnvironmentVariableTemplate.objects.create(name='old', environment_variables_text='A=1')
ContainerJob.objects.create(docker_host=host, docker_image='demo-image')
ContainerJob.objects.create(docker_host=host, docker_image='demo-image', priority=9999)
ContainerJob.objects.create(docker_host=host)
";

/// Runs every console block of a document, in order, on one new store.
fn run_examples(document: &str) {
    let store = temp_dir();
    let old = LegacySite::in_sqlite(LegacyRelease::Last).expect("PyPI has it");
    old.script(OLD_ROWS).expect("its models take them");
    trycmd::TestCases::new()
        .register_bin("longshore", longshore_bin())
        .env("LONGSHORE_STORE", store.path().display().to_string())
        .env("DOCKER_HOST", shared_engine().docker_host())
        .env("DATABASE_URL", old.url())
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
