//! Docker's precedence as a table, and what is refused.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn write_context(folder: &Path, name: &str, endpoint: &str, tls_files: &[&str]) {
    let digest = store::digest(name);
    let meta = folder.join("contexts/meta").join(&digest);
    fs::create_dir_all(&meta).unwrap();
    let text =
        format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{endpoint}}}}}"#);
    fs::write(meta.join("meta.json"), text).unwrap();
    let tls = folder.join("contexts/tls").join(&digest).join("docker");
    fs::create_dir_all(&tls).unwrap();
    for file in tls_files {
        fs::write(tls.join(file), "").unwrap();
    }
}

/// A home whose configuration knows the contexts `used` (the current one) and `other`.
fn home() -> (TempDir, DockerEnvironment) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".docker");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"currentContext":"used"}"#).unwrap();
    write_context(&folder, "used", r#"{"Host":"tcp://used:1"}"#, &[]);
    write_context(&folder, "other", r#"{"Host":"ssh://me@other"}"#, &[]);
    let environment = DockerEnvironment {
        home: Some(home.path().to_owned()),
        ..DockerEnvironment::default()
    };
    (home, environment)
}

#[expect(clippy::unnecessary_wraps, reason = "short where variables are set")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Environment, wish, and the name and address that come of them.
type Row = (DockerEnvironment, Wish, &'static str, &'static str);

fn precedence(base: &DockerEnvironment) -> Vec<Row> {
    let with = |host: &str, context: &str| DockerEnvironment {
        docker_host: text(host),
        docker_context: text(context),
        ..base.clone()
    };
    let both = with("tcp://env:2", "other");
    let empty = DockerEnvironment {
        home: None,
        ..with("", "")
    };
    vec![
        (
            both.clone(),
            Wish::Context("used".into()),
            "used",
            "tcp://used:1",
        ),
        (
            both.clone(),
            Wish::Context("default".into()),
            "default",
            DEFAULT_SOCKET,
        ),
        (
            both.clone(),
            Wish::Host("tcp://wish:3".into()),
            "wish:3",
            "tcp://wish:3",
        ),
        (both, Wish::None, "env:2", "tcp://env:2"),
        (with("tcp://env:2", ""), Wish::None, "env:2", "tcp://env:2"),
        (with("", "other"), Wish::None, "other", "ssh://me@other"),
        (with("", ""), Wish::None, "used", "tcp://used:1"),
        (empty, Wish::None, "default", DEFAULT_SOCKET),
    ]
}

fn addresses(base: &DockerEnvironment) -> Vec<Row> {
    let host = |address: &str| (base.clone(), Wish::Host(address.into()));
    let row = |(environment, wish), name, address| (environment, wish, name, address);
    vec![
        row(host("unix:///x.sock"), "local", "unix:///x.sock"),
        row(host("ssh://me@far:22/s"), "far:22", "ssh://me@far:22/s"),
        row(host(":2375"), "127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        row(host("box:2375"), "box:2375", "tcp://box:2375"),
    ]
}

#[test]
fn the_order_is_wish_then_host_then_context_then_configuration_then_socket() {
    let (_home, base) = home();
    let table = precedence(&base).into_iter().chain(addresses(&base));
    for (environment, wish, name, address) in table {
        let resolved = resolve(&environment, &wish).unwrap();
        assert_eq!(
            (resolved.name.as_str(), resolved.endpoint.address.as_str()),
            (name, address)
        );
        assert_eq!(resolved.endpoint.tls, None, "{wish:?}");
    }
}

#[test]
fn docker_config_stands_in_for_the_folder_at_home() {
    let (_home, base) = home();
    let folder = tempfile::tempdir().unwrap();
    write_context(folder.path(), "far", r#"{"Host":"tcp://far:9"}"#, &[]);
    let docker_config = Some(folder.path().to_owned());
    let environment = DockerEnvironment {
        docker_config,
        docker_context: text("far"),
        ..base
    };
    assert_eq!(
        resolve(&environment, &Wish::None).unwrap().endpoint.address,
        "tcp://far:9"
    );
}

#[test]
fn a_context_brings_its_tls_files() {
    let (home, base) = home();
    let folder = home.path().join(".docker");
    let host = r#"{"Host":"tcp://safe:2376","SkipTLSVerify":false}"#;
    write_context(&folder, "safe", host, &["ca.pem", "cert.pem", "key.pem"]);
    let tls = resolve(&base, &Wish::Context("safe".into()))
        .unwrap()
        .endpoint
        .tls
        .unwrap();
    assert!(tls.verify);
    for (file, name) in [
        (tls.ca, "ca.pem"),
        (tls.cert, "cert.pem"),
        (tls.key, "key.pem"),
    ] {
        assert!(file.unwrap().ends_with(&format!("/docker/{name}")));
    }
    write_context(
        &folder,
        "lax",
        r#"{"Host":"tcp://lax:1","SkipTLSVerify":true}"#,
        &[],
    );
    let tls = resolve(&base, &Wish::Context("lax".into()))
        .unwrap()
        .endpoint
        .tls
        .unwrap();
    assert_eq!(
        tls,
        TlsFiles {
            ca: None,
            cert: None,
            key: None,
            verify: false
        }
    );
}

#[test]
fn tls_of_the_environment_needs_all_its_files() {
    let certificates = tempfile::tempdir().unwrap();
    let environment = |tls_verify: &str, tls: &str| DockerEnvironment {
        docker_host: text("tcp://far:2376"),
        docker_tls_verify: text(tls_verify),
        docker_tls: text(tls),
        docker_cert_path: Some(certificates.path().to_owned()),
        ..DockerEnvironment::default()
    };
    assert_eq!(
        resolve(&environment("", ""), &Wish::None)
            .unwrap()
            .endpoint
            .tls,
        None
    );
    let missing = |file: &str| {
        let error = resolve(&environment("0", ""), &Wish::None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("DOCKER_TLS_VERIFY") && error.contains(file),
            "{error}"
        );
    };
    missing("ca.pem");
    fs::write(certificates.path().join("ca.pem"), "").unwrap();
    missing("cert.pem");
    fs::write(certificates.path().join("cert.pem"), "").unwrap();
    missing("key.pem");
    fs::write(certificates.path().join("key.pem"), "").unwrap();
    let tls = |tls_verify: &str, tls: &str| {
        resolve(&environment(tls_verify, tls), &Wish::None)
            .unwrap()
            .endpoint
            .tls
            .unwrap()
    };
    assert!(tls("1", "1").verify);
    assert!(tls("1", "").ca.is_some());
    assert!(!tls("", "1").verify);
}

#[test]
fn what_is_named_and_not_there_is_an_error_with_its_name() {
    let (home, base) = home();
    let error = resolve(&base, &Wish::Context("nope".into()))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("there is no Docker context `nope`"),
        "{error}"
    );
    fs::write(home.path().join(".docker/config.json"), "{").unwrap();
    let error = resolve(&base, &Wish::None).unwrap_err().to_string();
    assert!(error.contains("config.json cannot be read"), "{error}");
    let nowhere = DockerEnvironment {
        docker_context: text("x"),
        ..DockerEnvironment::default()
    };
    let error = resolve(&nowhere, &Wish::None).unwrap_err();
    assert_eq!(error, ContextError::NoFolder("x".into()));
    write_context(&home.path().join(".docker"), "kube", "null", &[]);
    assert!(resolve(&base, &Wish::Context("kube".into())).is_err());
}
