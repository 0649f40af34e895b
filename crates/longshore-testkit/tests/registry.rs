//! Registries: pushes and pulls of every kind, for real, through an engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use longshore_testkit::{
    DEMO_IMAGE, Engine, EngineAccess, EngineOptions, Registry, RegistryKind, load_demo_image, run,
    shared_engine,
};

/// Pushes the demo image and pulls it back.
fn check_push_and_pull(engine: &EngineAccess, kind: RegistryKind) {
    let registry = Registry::start(engine, kind).unwrap();
    let reference = registry.push(engine, DEMO_IMAGE, "team/app:1").unwrap();
    let present = || engine.docker(["image", "inspect", &reference]).is_ok();
    assert!(!present());
    pull(engine, &registry, &reference).unwrap();
    assert!(present());
    engine.docker(["image", "rm", &reference]).unwrap();
}

fn pull(engine: &EngineAccess, registry: &Registry, reference: &str) -> Result<(), String> {
    let config = registry.docker_config().unwrap();
    let mut docker = engine.docker_command();
    docker
        .env("DOCKER_CONFIG", config.path())
        .args(["pull", "--quiet", reference]);
    run(&mut docker)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn an_open_registry_gives_what_was_pushed() {
    check_push_and_pull(&shared_engine(), RegistryKind::Open);
}

#[test]
fn a_registry_with_tls_gives_what_was_pushed() {
    check_push_and_pull(&shared_engine(), RegistryKind::Tls);
}

#[test]
fn a_registry_with_passwords_gives_what_was_pushed() {
    check_push_and_pull(&shared_engine(), RegistryKind::Password);
}

#[test]
fn a_registry_works_for_a_private_engine() {
    let engine = Engine::start(&EngineOptions::default()).unwrap();
    load_demo_image(&engine).unwrap();
    check_push_and_pull(&engine, RegistryKind::Tls);
}

#[test]
fn without_the_password_nothing_is_pulled() {
    let engine = shared_engine();
    let registry = Registry::start(&engine, RegistryKind::Password).unwrap();
    let reference = registry.push(&engine, DEMO_IMAGE, "team/secret:1").unwrap();
    let error = engine.docker(["pull", &reference]).unwrap_err().to_string();
    assert!(error.contains("no basic auth credentials"), "{error}");
}

#[test]
fn an_untrusted_certificate_is_refused() {
    let engine = shared_engine();
    let registry = Registry::start(&engine, RegistryKind::TlsUntrusted).unwrap();
    let error = pull(&engine, &registry, &registry.reference("a:1")).unwrap_err();
    assert!(error.contains("x509"), "{error}");
}

#[test]
fn a_stopped_registry_refuses_connections() {
    let engine = shared_engine();
    let mut registry = Registry::start(&engine, RegistryKind::Open).unwrap();
    let reference = registry.push(&engine, DEMO_IMAGE, "a:1").unwrap();
    registry.stop();
    let error = pull(&engine, &registry, &reference).unwrap_err();
    assert!(error.contains("connection refused"), "{error}");
}

#[test]
fn a_missing_tag_is_an_error_of_the_registry() {
    let engine = shared_engine();
    let registry = Registry::start(&engine, RegistryKind::Open).unwrap();
    registry.push(&engine, DEMO_IMAGE, "a:1").unwrap();
    let error = pull(&engine, &registry, &registry.reference("a:2")).unwrap_err();
    assert!(
        error.contains("not found") || error.contains("manifest unknown"),
        "{error}"
    );
}
