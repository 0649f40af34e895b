//! Archives and layouts.

use std::fs;
use std::path::Path;

use longshore_core::spec::ImageReference;
use longshore_image::{Digest, ImageError, ImportRequest, StoredImage, import};
use longshore_testkit::{demo_image_archive, temp_dir};
use serde_json::json;
use tar::{Builder, EntryType, Header};

use crate::built::{Built, gzip, layer};
use crate::scene::{Scene, content};

fn built() -> Built {
    Built::of(vec![layer(&[("a", b"lower")]), layer(&[("a", b"upper")])])
}

async fn imported(
    scene: &Scene,
    from: &Path,
    name: Option<&str>,
) -> Result<Vec<StoredImage>, ImageError> {
    let request = ImportRequest {
        from: from.to_path_buf(),
        name: name.map(|name| name.parse().unwrap()),
        platform: None,
    };
    import(&scene.store, &request).await
}

fn tar_of(files: &[(&str, &[u8])], file: &Path) {
    fs::write(file, layer(files)).unwrap();
}

#[tokio::test]
async fn a_layout_is_imported_as_a_folder_and_as_an_archive() {
    let folder = temp_dir();
    let layout = folder.path().join("layout");
    built().write_layout(&layout, "example.test/app:1");
    let archive = folder.path().join("layout.tar");
    let mut builder = Builder::new(Vec::new());
    builder.append_dir_all(".", &layout).unwrap();
    let bytes = builder.into_inner().unwrap();
    fs::write(&archive, &bytes).unwrap();
    let packed = folder.path().join("layout.tar.gz");
    fs::write(&packed, gzip(&bytes)).unwrap();
    for from in [&layout, &archive, &packed] {
        let scene = Scene::new();
        let images = imported(&scene, from, None).await.unwrap();
        assert_eq!(images[0].name(), "example.test/app:1");
        assert_eq!(images[0].digest(), built().digest());
        assert_eq!(content(&images[0], "a").unwrap(), b"upper");
    }
}

#[tokio::test]
async fn a_layout_with_a_tag_alone_needs_a_name() {
    let folder = temp_dir();
    built().write_layout(folder.path(), "latest");
    let scene = Scene::new();
    let refused = imported(&scene, folder.path(), None).await.unwrap_err();
    assert!(refused.to_string().contains("no name"), "{refused}");
    let images = imported(&scene, folder.path(), Some("app:2"))
        .await
        .unwrap();
    assert_eq!(images[0].name(), "docker.io/library/app:2");
    let name: ImageReference = "app:2".parse().unwrap();
    assert!(scene.store.find(&name, None).unwrap().is_some());
}

#[tokio::test]
async fn what_docker_save_wrote_of_old_is_imported() {
    let folder = temp_dir();
    let built = built();
    let config = Digest::of(&built.config).hex() + ".json";
    let list = json!([{
        "Config": config,
        "RepoTags": ["app:1", "app:latest"],
        "Layers": ["one/layer.tar", "two/layer.tar"],
    }]);
    let archive = folder.path().join("saved.tar");
    let mut builder = Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content).unwrap();
    };
    add("two/layer.tar", &built.layers[1]);
    add("kept/layer.tar", &built.layers[0]);
    add(&config, &built.config);
    add("manifest.json", list.to_string().as_bytes());
    // A layer that was there already was written as a link.
    let mut link = Header::new_gnu();
    link.set_entry_type(EntryType::Symlink);
    link.set_size(0);
    builder
        .append_link(&mut link, "one/layer.tar", "../kept/layer.tar")
        .unwrap();
    fs::write(&archive, builder.into_inner().unwrap()).unwrap();

    let scene = Scene::new();
    let images = imported(&scene, &archive, None).await.unwrap();
    let names: Vec<&str> = images.iter().map(StoredImage::name).collect();
    assert_eq!(
        names,
        ["docker.io/library/app:1", "docker.io/library/app:latest"]
    );
    assert_eq!(content(&images[0], "a").unwrap(), b"upper");
    assert_eq!(images[0].config(), built.config);
    assert!(scene.names("ingest").is_empty());
}

#[tokio::test]
async fn the_image_that_longshore_s_own_tests_run_is_imported() {
    let scene = Scene::new();
    let images = imported(&scene, &demo_image_archive().unwrap(), None)
        .await
        .unwrap();
    let busybox = images[0].layers()[0].join("bin");
    assert!(busybox.is_dir());
}

#[tokio::test]
async fn files_outside_an_archive_are_never_read() {
    let folder = temp_dir();
    let secret = folder.path().join("secret.json");
    fs::write(&secret, built().config).unwrap();
    let list =
        json!([{ "Config": "../secret.json", "RepoTags": ["a:1"], "Layers": ["../x", "../y"] }]);
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("manifest.json"), list.to_string()).unwrap();
    let scene = Scene::new();
    let refused = imported(&scene, &inside, None).await.unwrap_err();
    assert!(refused.to_string().contains("../secret.json"), "{refused}");
    std::os::unix::fs::symlink(&secret, inside.join("link.json")).unwrap();
    let list = list.to_string().replace("../secret.json", "link.json");
    fs::write(inside.join("manifest.json"), list).unwrap();
    let refused = imported(&scene, &inside, None).await.unwrap_err();
    assert!(refused.to_string().contains("link.json"), "{refused}");
}

#[tokio::test]
async fn an_archive_of_something_else_is_refused() {
    let folder = temp_dir();
    let archive = folder.path().join("other.tar");
    tar_of(&[("readme", b"hello")], &archive);
    let text = folder.path().join("text");
    fs::write(&text, "no archive").unwrap();
    let scene = Scene::new();
    for from in [&archive, &text] {
        let refused = imported(&scene, from, None).await.unwrap_err();
        assert!(matches!(refused, ImageError::Malformed { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_layout_whose_blob_has_other_bytes_is_refused() {
    let folder = temp_dir();
    let built = built();
    built.write_layout(folder.path(), "example.test/app:1");
    for (blob, other) in [
        (&built.blobs[1], &built.blobs[0]),
        (&built.manifest, &built.config),
    ] {
        let file = folder
            .path()
            .join("blobs/sha256")
            .join(Digest::of(blob).hex());
        fs::write(&file, other).unwrap();
        let scene = Scene::new();
        let refused = imported(&scene, folder.path(), None).await.unwrap_err();
        assert!(
            matches!(refused, ImageError::DigestMismatch { .. }),
            "{refused}"
        );
        assert!(scene.store.list().unwrap().is_empty());
    }
}
