//! The examples of the documents do what they say.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use longshore_testkit::{
    LegacyRelease, LegacySite, demo_image_archive, longshore_bin, shared_engine, temp_dir,
    workspace_dir,
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
    let (store, oci) = (temp_dir(), temp_dir());
    import_demo_image(oci.path());
    let old = LegacySite::in_sqlite(LegacyRelease::Last).expect("PyPI has it");
    old.script(OLD_ROWS).expect("its models take them");
    trycmd::TestCases::new()
        .register_bin("longshore", longshore_bin())
        .env("LONGSHORE_STORE", store.path().display().to_string())
        .env("DOCKER_HOST", shared_engine().docker_host())
        .env("DATABASE_URL", old.url())
        .env("LONGSHORE_OCI", oci.path().display().to_string())
        .timeout(Duration::from_mins(1))
        .case(workspace_dir().join(document))
        .run();
}

/// This machine has the image that the examples run, as the engine does.
fn import_demo_image(oci: &Path) {
    let archive = demo_image_archive().expect("the demo image can be made");
    let store = temp_dir();
    let longshore = |args: &[&OsStr]| {
        let mut command = Command::new(longshore_bin());
        command
            .args(args)
            .env("LONGSHORE_STORE", store.path())
            .env("LONGSHORE_OCI", oci);
        assert!(command.status().expect("the binary runs").success());
    };
    longshore(&["hosts", "add", "here", "--kind", "oci"].map(OsStr::new));
    longshore(&[
        OsStr::new("images"),
        OsStr::new("import"),
        archive.as_os_str(),
    ]);
}

#[test]
fn every_example_of_the_guide_does_what_it_says() {
    run_examples("docs/guide.md");
}

#[test]
fn every_example_of_the_readme_does_what_it_says() {
    run_examples("README.md");
}
