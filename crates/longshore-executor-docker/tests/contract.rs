//! The executor contract, kept by a real engine.

use std::sync::Arc;

use longshore_core::PoolId;
use longshore_core::host::Endpoint;
use longshore_core::launch::LABEL_POOL;
use longshore_executor::ResourceKind;
use longshore_executor::contract::{Fixture, Program};
use longshore_executor_docker::{DockerExecutor, DockerOptions};
use longshore_testkit::{
    DEMO_IMAGE, EngineAccess, feed, load_demo_image, shared_engine, temp_dir, unique_name,
};

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
    let fixture = Fixture::new(
        Arc::new(executor),
        image,
        missing,
        |program: &Program, spec| {
            spec.command = program.argv().into();
            // An init is always there, so that the start succeeds: it is the init that says 127.
            spec.init = *program != Program::NotThere;
        },
    );
    fixture.leaving(move |kind, pool| leave(&engine, kind, pool).expect("can be made"))
}

/// Makes something with the pool's label by the engine's own client, and says its name.
fn leave(engine: &EngineAccess, kind: ResourceKind, pool: PoolId) -> anyhow::Result<String> {
    let (name, label) = (unique_name("left"), format!("{LABEL_POOL}={pool}"));
    match kind {
        ResourceKind::Volume => engine.docker(["volume", "create", "--label", &label, &name])?,
        ResourceKind::Network => engine.docker(["network", "create", "--label", &label, &name])?,
        ResourceKind::Image => {
            let image = format!("{name}:1");
            let folder = temp_dir();
            let archive = folder.path().join("empty.tar");
            let label = format!("LABEL {label}");
            std::fs::write(&archive, [0; 1024])?;
            let mut import = engine.docker_command();
            import.args(["import", "--change", &label, "-", &image]);
            feed(&mut import, &archive)?;
            return Ok(image);
        }
    };
    Ok(name)
}

longshore_executor::executor_contract!(fixture);
