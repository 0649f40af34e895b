//! Images made on the spot, and what brings them into a registry or an archive.

use std::io::Write;
use std::path::Path;

use longshore_core::spec::ImageReference;
use longshore_image::Digest;
use longshore_testkit::Registry;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The architecture of this machine, as images name it.
pub(crate) fn own_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An image, as bytes.
pub(crate) struct Built {
    pub(crate) config: Vec<u8>,
    /// Plain ones, from the bottom up.
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) manifest: Vec<u8>,
    /// Layers as the manifest has them.
    pub(crate) blobs: Vec<Vec<u8>>,
    architecture: String,
}

impl Built {
    /// An image for this machine of these plain layers.
    pub(crate) fn of(layers: Vec<Vec<u8>>) -> Self {
        Self::for_architecture(layers, own_architecture())
    }

    pub(crate) fn for_architecture(layers: Vec<Vec<u8>>, architecture: &str) -> Self {
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2024-05-06T07:08:09Z",
            "config": { "Cmd": ["sh"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string().into_bytes();
        let blobs: Vec<Vec<u8>> = layers.iter().map(|layer| gzip(layer)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": blobs.iter().map(|blob| descriptor(LAYER, blob)).collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string().into_bytes();
        Self {
            config,
            layers,
            manifest,
            blobs,
            architecture: architecture.to_owned(),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Pushes it to a registry that anybody may use, or who knows its password.
    pub(crate) async fn push(&self, registry: &Registry, name: &str) -> ImageReference {
        let (client, reference) = pusher(registry, name).await;
        self.push_by(&client, &reference).await;
        registry.reference(name).parse().unwrap()
    }

    async fn push_by(&self, client: &Client, reference: &Reference) {
        for blob in self.blobs.iter().chain([&self.config]) {
            let digest = Digest::of(blob).to_string();
            client
                .push_blob(reference, blob.clone(), &digest)
                .await
                .unwrap();
        }
        let kind = HeaderValue::from_static(MANIFEST);
        client
            .push_manifest_raw(reference, self.manifest.clone(), kind)
            .await
            .unwrap();
    }

    /// Writes it as the folder of an OCI layout.
    pub(crate) fn write_layout(&self, folder: &Path, name: &str) {
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        for blob in self.blobs.iter().chain([&self.config, &self.manifest]) {
            std::fs::write(blobs.join(Digest::of(blob).hex()), blob).unwrap();
        }
        let mut entry = descriptor(MANIFEST, &self.manifest);
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
        std::fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
    }
}

/// Pushes an index of images for several architectures, and returns its digest.
pub(crate) async fn push_index(registry: &Registry, name: &str, images: &[&Built]) -> Digest {
    let (client, reference) = pusher(registry, name).await;
    let mut entries = Vec::new();
    for image in images {
        let by_digest = reference.clone_with_digest(image.digest().to_string());
        image.push_by(&client, &by_digest).await;
        let mut entry = descriptor(MANIFEST, &image.manifest);
        entry["platform"] = json!({ "os": "linux", "architecture": image.architecture });
        entries.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let index = index.to_string().into_bytes();
    let kind = HeaderValue::from_static(INDEX);
    client
        .push_manifest_raw(&reference, index.clone(), kind)
        .await
        .unwrap();
    Digest::of(&index)
}

async fn pusher(registry: &Registry, name: &str) -> (Client, Reference) {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let authority = registry
        .authority()
        .map(|path| oci_client::client::Certificate {
            encoding: oci_client::client::CertificateEncoding::Pem,
            data: std::fs::read(path).unwrap(),
        });
    let config = ClientConfig {
        protocol: match authority {
            Some(_) => ClientProtocol::Https,
            None => ClientProtocol::Http,
        },
        extra_root_certificates: authority.into_iter().collect(),
        ..ClientConfig::default()
    };
    let client = Client::try_from(config).unwrap();
    let reference: Reference = registry.reference(name).parse().unwrap();
    let auth = match registry.credentials() {
        Some(who) => RegistryAuth::Basic(who.user.clone(), who.password.clone()),
        None => RegistryAuth::Anonymous,
    };
    client
        .auth(&reference, &auth, RegistryOperation::Push)
        .await
        .unwrap();
    (client, reference)
}

fn descriptor(kind: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": Digest::of(blob), "size": blob.len() })
}

/// A plain layer of files, and folders where a path ends with a slash.
pub(crate) fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        let is_folder = path.ends_with('/');
        header.set_entry_type(if is_folder {
            EntryType::Directory
        } else {
            EntryType::Regular
        });
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        header.set_mtime(1);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Bytes that cannot be compressed, the same for the same seed.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
