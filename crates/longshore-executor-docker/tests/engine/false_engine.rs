//! A socket that answers as it is told to: what no real engine would do.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_testkit::{eventually_async, temp_dir};
use tempfile::TempDir;

use crate::scene::PATIENCE;

pub(crate) struct FalseEngine {
    folder: TempDir,
    drained: Arc<AtomicBool>,
}

impl FalseEngine {
    /// The answer of an engine to a ping.
    pub(crate) const PING: &'static str =
        "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";

    /// Answers pings with `ping` as it stands; everything else with `body` and then silence, or,
    /// where `body` is empty, with silence alone.
    pub(crate) fn start(ping: &str, body: String) -> Self {
        let folder = temp_dir();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let drained = Arc::new(AtomicBool::new(false));
        let (ping, was_drained) = (ping.to_owned(), Arc::clone(&drained));
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                if let Some(stream) = answer(stream.unwrap(), &ping, &body) {
                    was_drained.store(true, Ordering::SeqCst);
                    kept.push(stream);
                }
            }
        });
        Self { folder, drained }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("socket").display())
    }

    /// Waits until the body of an answer was taken by the other side, or refused.
    pub(crate) async fn drained(&self) {
        eventually_async("the body was taken", PATIENCE, || async {
            self.drained.load(Ordering::SeqCst)
        })
        .await;
    }
}

/// The line, unless it was for a ping: such a line ends with its answer.
fn answer(mut stream: UnixStream, ping: &str, body: &str) -> Option<UnixStream> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).unwrap_or(0);
    if request[..length].starts_with(b"GET /_ping") {
        let _ = stream.write_all(ping.as_bytes());
        return None;
    }
    if !body.is_empty() {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let _ = stream.write_all(body.as_bytes());
    }
    Some(stream)
}
