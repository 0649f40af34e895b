//! A bucket: a server on loopback that speaks S3, with its objects in a folder.

use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::names::{temp_dir, unique_name};

const NAME: &str = "logs";
const KEY: &str = "sailor";

/// A server with one empty bucket; it ends, and its objects are gone, when it is dropped.
#[derive(Debug)]
pub struct Bucket {
    endpoint: String,
    secret: String,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Bucket {
    /// Starts one.
    ///
    /// # Errors
    /// No port is free, or no folder can be made.
    pub fn start() -> Result<Self> {
        let folder = temp_dir();
        std::fs::create_dir(folder.path().join(NAME))?;
        let secret = unique_name("secret");
        let files = FileSystem::new(folder.path()).ok();
        let mut service = S3ServiceBuilder::new(files.context("a folder for objects")?);
        service.set_auth(SimpleAuth::from_single(KEY, secret.as_str()));
        let service = service.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, service) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            endpoint,
            secret,
            folder,
            stop: Some(stop),
            server: Some(server),
        })
    }

    /// Its name as longshore takes it, with a prefix.
    pub fn url(&self) -> String {
        format!("s3://{NAME}/pool/logs")
    }

    /// What the environment must say, for whoever is to use it.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.secret.clone()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "elbe-1".to_owned()),
        ]
    }

    /// How many objects it has under the prefix.
    pub fn objects(&self) -> usize {
        let mut folders = vec![self.folder.path().join(NAME).join("pool/logs")];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files += 1;
                }
            }
        }
        files
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // A server that has ended hears nothing, and is joined all the same.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.server.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    let listener = tokio::net::TcpListener::from_std(listener);
    let listener = listener.expect("a listener of this process");
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        let service = service.clone();
        connections.spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that goes away is none of the server's business.
            let _ = server.serve_connection(TokioIo::new(client), service).await;
        });
    }
}
