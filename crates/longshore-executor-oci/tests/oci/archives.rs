//! Small archives in the form of `docker save`, with any configuration.

use std::path::Path;

use serde_json::{Value, json};
use tar::{Builder, Header};

/// Writes an image `name` that has no files and this configuration of its containers.
pub(crate) fn empty_image(archive: &Path, name: &str, container: &Value) {
    let layer = [0; 1024];
    let diff_id = digest(&layer);
    let config = json!({
        "architecture": match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        },
        "os": "linux",
        "config": container,
        "rootfs": { "type": "layers", "diff_ids": [diff_id] },
    });
    let manifest =
        json!([{ "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] }]);
    let mut builder = Builder::new(std::fs::File::create(archive).unwrap());
    let files = [
        ("config.json", config.to_string().into_bytes()),
        ("manifest.json", manifest.to_string().into_bytes()),
        ("layer.tar", layer.to_vec()),
    ];
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder
            .append_data(&mut header, path, content.as_slice())
            .unwrap();
    }
    builder.finish().unwrap();
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    let hex = sha2::Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("sha256:{hex}")
}
