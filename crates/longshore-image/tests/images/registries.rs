//! Registries of every kind.

use std::fs;

use longshore_core::fault::Fault;
use longshore_core::image::Credential;
use longshore_core::spec::ImageReference;
use longshore_executor::find_credential;
use longshore_image::{ImageError, RegistryOptions};
use longshore_testkit::{Registry, RegistryKind, temp_dir};

use crate::built::{Built, layer};
use crate::scene::{Scene, with_credential};

fn small() -> Built {
    Built::of(vec![layer(&[("a", b"x")])])
}

#[tokio::test]
async fn who_has_the_password_in_docker_s_configuration_may_pull() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Password).unwrap(),
        Scene::new(),
    );
    let name = small().push(&registry, "app:1").await;
    let config = registry.docker_config().unwrap();
    let found = find_credential(Some(config.path()), registry.address()).await;
    let request = with_credential(&name, found.credential);
    scene.puller.pull(&request, |_| {}).await.unwrap();
}

#[tokio::test]
async fn who_has_no_password_or_a_wrong_one_is_denied() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Password).unwrap(),
        Scene::new(),
    );
    let name = small().push(&registry, "app:1").await;
    let wrong = Credential::Password {
        user: "sailor".to_owned(),
        password: "wrong-secret".to_owned(),
    };
    for credential in [None, Some(wrong)] {
        let request = with_credential(&name, credential);
        let denied = scene.puller.pull(&request, |_| {}).await.unwrap_err();
        assert!(matches!(&*denied, ImageError::Denied { .. }), "{denied}");
        assert_eq!(denied.fault(), Fault::ImageDenied);
        assert!(!format!("{denied:?}").contains("wrong-secret"));
    }
}

#[tokio::test]
async fn an_identity_token_is_refused_in_plain_words() {
    let scene = Scene::new();
    let name: ImageReference = "registry.invalid/app:1".parse().unwrap();
    let request = with_credential(&name, Some(Credential::IdentityToken("secret".to_owned())));
    let refused = scene.puller.pull(&request, |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("identity token"), "{refused}");
    assert!(!format!("{refused:?}").contains("secret"));
}

#[tokio::test]
async fn a_certificate_counts_when_its_authority_is_in_the_folder_for_the_registry() {
    let registry = Registry::start_here(RegistryKind::Tls).unwrap();
    let name = small().push(&registry, "app:1").await;
    let certificates = temp_dir();
    let folder = certificates.path().join(registry.address());
    fs::create_dir(&folder).unwrap();
    fs::copy(registry.authority().unwrap(), folder.join("ca.crt")).unwrap();
    let scene = Scene::with(RegistryOptions {
        certificates: Some(certificates.path().to_path_buf()),
        ..RegistryOptions::default()
    });
    scene.pull(&name).await.unwrap();

    let refused = Scene::new().pull(&name).await.unwrap_err();
    assert!(matches!(&*refused, ImageError::Network { .. }), "{refused}");
    assert!(refused.to_string().contains("certificate"), "{refused}");
}

#[tokio::test]
async fn an_image_that_the_registry_does_not_have_is_not_found() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    small().push(&registry, "app:1").await;
    for missing in ["app:2", "nobody:1"] {
        let name = registry.reference(missing).parse().unwrap();
        let missing = scene.pull(&name).await.unwrap_err();
        assert!(
            matches!(&*missing, ImageError::NotFound { .. }),
            "{missing}"
        );
        assert_eq!(missing.fault(), Fault::ImageNotFound);
    }
}
