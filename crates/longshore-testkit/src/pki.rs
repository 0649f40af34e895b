//! A certificate authority of one's own, for tests of TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::command::run;
use crate::sandbox::PUBLIC_ADDRESS;

/// A certificate and its key, as files.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate in PEM.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
}

/// An authority with one server certificate (for `localhost`, 127.0.0.1 and the address of
/// registries in sandboxes) and one client certificate.
#[derive(Debug)]
pub struct Pki {
    folder: TempDir,
    server: Certificate,
}

impl Pki {
    /// Makes the authority and its certificates, valid for two days.
    ///
    /// # Errors
    /// When `openssl` is missing or fails.
    pub fn new() -> Result<Self> {
        let folder = crate::names::temp_dir();
        let path = folder.path();
        openssl(
            path,
            &format!("req -x509 -subj /CN=longshore-tests {NEW_KEY} ca-key.pem {DAYS} -out ca.pem"),
        )?;
        let names = format!("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{PUBLIC_ADDRESS}");
        let server = sign(
            path,
            "server",
            &format!("{names}\nextendedKeyUsage=serverAuth\n"),
        )?;
        // Docker's own names, so that DOCKER_CERT_PATH may point here.
        let client = sign(path, "client", "extendedKeyUsage=clientAuth\n")?;
        fs::rename(client.certificate, path.join("cert.pem"))?;
        fs::rename(client.key, path.join("key.pem"))?;
        Ok(Self { folder, server })
    }

    /// A folder with `ca.pem`, `cert.pem` and `key.pem`, as `DOCKER_CERT_PATH` wants it.
    pub fn docker_cert_path(&self) -> &Path {
        self.folder.path()
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The server's certificate.
    pub fn server(&self) -> &Certificate {
        &self.server
    }

    /// The client's certificate.
    pub fn client(&self) -> Certificate {
        let folder = self.folder.path();
        Certificate {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        }
    }

    pub(crate) fn daemon_arguments(&self) -> Vec<String> {
        vec![
            "--tlsverify".to_owned(),
            format!("--tlscacert={}", self.authority().display()),
            format!("--tlscert={}", self.server.certificate.display()),
            format!("--tlskey={}", self.server.key.display()),
        ]
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
const DAYS: &str = "-days 2";

fn sign(folder: &Path, name: &str, extensions: &str) -> Result<Certificate> {
    let extension_file = format!("{name}.ext");
    fs::write(folder.join(&extension_file), extensions)?;
    openssl(
        folder,
        &format!("req -subj /CN={name} {NEW_KEY} {name}-key.pem -out {name}.csr"),
    )?;
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial {DAYS} \
             -extfile {extension_file} -out {name}.pem"
        ),
    )?;
    let key = folder.join(format!("{name}-key.pem"));
    Ok(Certificate {
        certificate: folder.join(format!("{name}.pem")),
        key,
    })
}

/// No argument of ours holds a blank, so one string per command line reads best.
fn openssl(folder: &Path, arguments: &str) -> Result<()> {
    run(Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder))
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_certificates_are_signed_by_the_authority() {
        let pki = Pki::new().unwrap();
        for leaf in [&pki.server().certificate, &pki.client().certificate] {
            let mut verify = Command::new("openssl");
            run(verify
                .args(["verify", "-CAfile"])
                .arg(pki.authority())
                .arg(leaf))
            .unwrap();
        }
    }
}
