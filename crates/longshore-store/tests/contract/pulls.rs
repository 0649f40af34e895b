//! Images that we brought to hosts.

use longshore_core::HostId;
use longshore_store::{PulledImage, Store};

use crate::world::{add_host, at, uuid};

fn pulled(image: &str, digest: Option<&str>, second: i64) -> PulledImage {
    PulledImage {
        image: image.into(),
        digest: digest.map(str::to_owned),
        pulled_at: at(second),
        used_at: at(second),
    }
}

pub(crate) async fn a_pull_is_known_for_its_host_until_it_is_forgotten(store: &Store) {
    let (one, other) = (add_host(store, 1).await, add_host(store, 1).await);
    store.note_pull(one, "b:1", None, at(1)).await.unwrap();
    store
        .note_pull(one, "a:1", Some("sha256:1"), at(2))
        .await
        .unwrap();
    let both = [pulled("a:1", Some("sha256:1"), 2), pulled("b:1", None, 1)];
    assert_eq!(store.pulled_images(one).await.unwrap(), both);
    assert!(store.pulled_images(other).await.unwrap().is_empty());
    for _ in 0..2 {
        store.forget_pull(one, "a:1").await.unwrap();
    }
    assert_eq!(store.pulled_images(one).await.unwrap(), both[1..]);
}

pub(crate) async fn a_repeated_pull_is_known_once_with_its_newest_digest(store: &Store) {
    let host = add_host(store, 1).await;
    store
        .note_pull(host, "a:1", Some("sha256:1"), at(1))
        .await
        .unwrap();
    store
        .note_pull(host, "a:1", Some("sha256:2"), at(5))
        .await
        .unwrap();
    let newest = [pulled("a:1", Some("sha256:2"), 5)];
    assert_eq!(store.pulled_images(host).await.unwrap(), newest);
}

pub(crate) async fn a_host_takes_its_pulls_with_it(store: &Store) {
    let host = add_host(store, 1).await;
    store.note_pull(host, "a:1", None, at(1)).await.unwrap();
    store.remove_host(host).await.unwrap();
    assert!(store.pulled_images(host).await.unwrap().is_empty());
    let nowhere = HostId::new(uuid());
    let error = store
        .note_pull(nowhere, "a:1", None, at(1))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("no host `{nowhere}`"));
}

pub(crate) async fn the_last_use_is_kept_of_images_that_we_pulled_and_of_no_other(store: &Store) {
    let host = add_host(store, 1).await;
    store.note_pull(host, "a:1", None, at(1)).await.unwrap();
    for (image, second) in [("a:1", 9), ("a:1", 7), ("b:1", 9)] {
        store.note_image_use(host, image, at(second)).await.unwrap();
    }
    let used = PulledImage {
        used_at: at(9),
        ..pulled("a:1", None, 1)
    };
    assert_eq!(store.pulled_images(host).await.unwrap(), [used]);
}
