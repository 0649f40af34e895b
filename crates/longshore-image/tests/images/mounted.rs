//! What overlayfs makes of the layers of an image.

use std::process::Command;

use longshore_testkit::{Registry, RegistryKind, run};

use crate::built::{Built, layer};
use crate::scene::Scene;

/// Mounts in a mount namespace of its own, so that nothing of it outlives the command.
const SHOW: &str = r#"
mkdir "$1/merged" && mount -t overlay overlay -o "$2" "$1/merged" && cd "$1/merged" &&
find . | sort && cat kept/file
"#;

#[tokio::test]
async fn overlayfs_shows_what_the_image_has() {
    assert!(rustix::process::geteuid().is_root(), "mounting needs root");
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = Built::of(vec![
        layer(&[
            ("kept/", b""),
            ("kept/file", b"old"),
            ("kept/gone", b"x"),
            ("emptied/", b""),
            ("emptied/old", b"x"),
        ]),
        layer(&[
            ("kept/", b""),
            ("kept/file", b"new\n"),
            ("kept/.wh.gone", b""),
        ]),
        layer(&[
            ("emptied/", b""),
            ("emptied/.wh..wh..opq", b""),
            ("emptied/new", b"x"),
        ]),
    ]);
    let name = built.push(&registry, "app:1").await;
    let image = scene.pull(&name).await.unwrap();
    let lower: Vec<String> = image
        .layers()
        .iter()
        .rev()
        .map(|layer| layer.display().to_string())
        .collect();
    let shown = run(Command::new("unshare")
        .args(["--mount", "sh", "-c", SHOW, "show"])
        .arg(scene.folder.path())
        .arg(format!("lowerdir={}", lower.join(":"))))
    .unwrap();
    let expected = ".\n./emptied\n./emptied/new\n./kept\n./kept/file\nnew\n";
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_layer_that_hides_all_below_it_is_the_lowest_that_is_mounted() {
    let (registry, scene) = (
        Registry::start_here(RegistryKind::Open).unwrap(),
        Scene::new(),
    );
    let built = Built::of(vec![
        layer(&[("old", b"x")]),
        layer(&[(".wh..wh..opq", b""), ("new", b"x")]),
        layer(&[("newer", b"x")]),
    ]);
    let name = built.push(&registry, "app:1").await;
    let image = scene.pull(&name).await.unwrap();
    assert_eq!(image.layers().len(), 2);
    assert!(image.layers()[0].join("new").is_file());
}
