//! The executor contract, kept by a real engine.

use std::sync::Arc;

use longshore_core::host::Endpoint;
use longshore_executor::contract::{Fixture, Program};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_testkit::{DEMO_IMAGE, load_demo_image, shared_engine};

async fn fixture() -> Fixture {
    let engine = shared_engine();
    load_demo_image(&engine).expect("the demo image can be loaded");
    let endpoint = Endpoint {
        address: engine.docker_host().to_owned(),
        tls: None,
    };
    let executor =
        DockerExecutor::new(&endpoint, DockerOptions::default()).expect("a sound address");
    let image = DEMO_IMAGE.parse().expect("a sound reference");
    let missing = "longshore-missing:none".parse().expect("a sound reference");
    Fixture::new(
        Arc::new(executor),
        image,
        missing,
        |program: &Program, spec| {
            spec.command = program.argv().into();
            // An init is always there, so that the start succeeds: it is the init that says 127.
            spec.init = *program != Program::NotThere;
        },
    )
}

longshore_executor::executor_contract!(fixture);
