//! Image references, platforms and pull policies.

use longshore_core::spec::{ImageReference, Platform, PullPolicy};

use super::{prints, refuses};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_reference_is_completed_as_docker_does_it() {
    // Typed text, registry host, path, tag, digest, familiar name; `#` stands for 64 digits.
    let table = [
        "busybox | docker.io | library/busybox | latest | - | busybox",
        "busybox:1.36 | docker.io | library/busybox | 1.36 | - | busybox",
        "team/app | docker.io | team/app | latest | - | team/app",
        "docker.io/busybox | docker.io | library/busybox | latest | - | busybox",
        "index.docker.io/team/app:2 | docker.io | team/app | 2 | - | team/app",
        "localhost/app | localhost | app | latest | - | localhost/app",
        "host:5000/app:v1 | host:5000 | app | v1 | - | host:5000/app",
        "[::1]:5000/app | [::1]:5000 | app | latest | - | [::1]:5000/app",
        "Registry/app | Registry | app | latest | - | Registry/app",
        "busybox@sha256:# | docker.io | library/busybox | - | sha256:# | busybox",
        "a.b:1/c/d:1@sha256:# | a.b:1 | c/d | 1 | sha256:# | a.b:1/c/d",
    ];
    for row in table {
        let row = row.replace('#', HEX);
        let parts: Vec<&str> = row.split(" | ").collect();
        let [typed, host, path, tag, digest, familiar] = parts[..] else {
            panic!("six columns: {row}");
        };
        let image: ImageReference = typed.parse().unwrap();
        assert_eq!(image.to_string(), typed);
        assert_eq!(image.registry_host(), host, "{typed}");
        assert_eq!(image.path(), path, "{typed}");
        assert_eq!(image.tag().unwrap_or("-"), tag, "{typed}");
        assert_eq!(image.digest().unwrap_or("-"), digest, "{typed}");
        assert_eq!(image.familiar_name(), familiar, "{typed}");
        assert_eq!(image.repository(), format!("{host}/{path}"), "{typed}");
    }
}

#[test]
fn the_canonical_form_spells_everything_out() {
    let canonical = |typed: &str| typed.parse::<ImageReference>().unwrap().canonical();
    assert_eq!(canonical("busybox"), "docker.io/library/busybox:latest");
    assert_eq!(canonical("h:1/a:b"), "h:1/a:b");
    let pinned = format!("team/app@sha256:{HEX}");
    assert_eq!(canonical(&pinned), format!("docker.io/{pinned}"));
}

#[test]
fn the_canonical_form_is_a_reference_to_the_same_image() {
    for typed in [
        "busybox",
        "team/app:1",
        "localhost:5000/x/y__z",
        "a.b/c-d--e:T_1",
    ] {
        let image: ImageReference = typed.parse().unwrap();
        let again: ImageReference = image.canonical().parse().unwrap();
        assert_eq!(again.canonical(), image.canonical());
    }
}

#[test]
fn pinning_replaces_the_tag_by_the_digest() {
    let image: ImageReference = "host:5000/team/app:1".parse().unwrap();
    let pinned = image.with_digest(&format!("sha256:{HEX}")).unwrap();
    assert_eq!(
        pinned.to_string(),
        format!("host:5000/team/app@sha256:{HEX}")
    );
    assert_eq!(pinned.tag(), None);
    assert_eq!(
        pinned.to_string().parse::<ImageReference>().unwrap(),
        pinned
    );
}

#[test]
fn pinning_to_no_digest_is_refused() {
    let image: ImageReference = "app".parse().unwrap();
    for digest in ["", "sha256:", "sha256:abc", HEX, "md5:0123456789abcdef"] {
        let error = image.with_digest(digest).unwrap_err().to_string();
        assert!(error.starts_with("invalid image digest"), "{error}");
    }
}

#[test]
fn bad_references_are_refused_with_the_reason() {
    let long_path = "a".repeat(256);
    let long_tag = format!("app:{}", "t".repeat(129));
    let upper_digest = format!("app@sha256:{}", HEX.to_uppercase());
    refuses::<ImageReference>(&[
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("a b", "white space"),
        (" busybox", "white space"),
        ("Busybox", "lower case"),
        ("team/App", "lower case"),
        ("app:", "the tag is none"),
        ("app:-x", "the tag is none"),
        ("app:a:b", "the tag is none"),
        (&long_tag, "the tag is none"),
        ("app@", "the digest is none"),
        ("app@sha256:1234", "the digest is none"),
        (&upper_digest, "the digest is none"),
        (HEX, "bare image id"),
        (&long_path, "longer than 255"),
        (":tag", "the name is missing"),
        ("host:5000/", "the name is missing"),
        ("a//b", "a name has"),
        ("/app", "a name has"),
        ("-app", "a name has"),
        ("a..b", "a name has"),
        ("a___b", "a name has"),
        ("host:port/app", "registry host"),
        ("host:99999/app", "registry host"),
        ("-h.x/app", "registry host"),
        ("[::1/app", "registry host"),
        ("https://host/app", "registry host"),
    ]);
}

#[test]
fn a_platform_is_spelt_as_engines_do() {
    prints::<Platform>(&[
        ("linux/amd64", "linux/amd64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
    ]);
    let platform: Platform = "linux/arm/v7".parse().unwrap();
    assert_eq!((platform.os(), platform.architecture()), ("linux", "arm"));
    assert_eq!(platform.variant(), Some("v7"));
}

#[test]
fn a_platform_needs_both_of_its_parts() {
    let reason = "os/architecture";
    refuses::<Platform>(&[
        ("", reason),
        ("amd64", reason),
        ("linux/", reason),
        ("/amd64", reason),
        ("a/b/c/d", reason),
        ("linux/arm/", reason),
        ("linux/am d", reason),
    ]);
}

#[test]
fn the_pull_policies_are_those_of_docker() {
    prints::<PullPolicy>(&[
        ("always", "always"),
        ("missing", "missing"),
        ("never", "never"),
    ]);
    refuses::<PullPolicy>(&[
        ("", "use always"),
        ("Always", "use always"),
        ("often", "use always"),
    ]);
    assert_eq!(PullPolicy::default(), PullPolicy::Missing);
}
