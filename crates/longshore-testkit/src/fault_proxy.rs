//! A proxy between a client and an engine that breaks chosen conversations.
//!
//! It serves one request per connection (it asks the engine to close after the answer), so the end
//! of an answer needs no understanding of bodies: streams, hijacked connections and plain answers
//! are all bytes until the end. It runs on a thread of its own, so a test's paused clock does not
//! touch it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::access::EngineAccess;
use crate::fault_rules::{Fault, Rule, RuleBook, RuleId};
use crate::http_head::RequestHead;
use crate::names::temp_dir;

/// A running proxy; when dropped, all its connections close.
#[derive(Debug)]
pub struct FaultProxy {
    folder: TempDir,
    rules: Arc<Mutex<RuleBook>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a proxy without rules in front of `engine`.
    ///
    /// # Errors
    /// When its socket cannot be made.
    pub fn start(engine: &EngineAccess) -> Result<Self> {
        let folder = temp_dir();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let guard = runtime.enter();
        let listener = UnixListener::bind(folder.path().join("proxy.sock"))
            .context("could not make the proxy's socket")?;
        drop(guard);
        let rules = Arc::new(Mutex::new(RuleBook::default()));
        let (stop, stopped) = oneshot::channel();
        let served = Served {
            listener,
            engine: engine.socket().to_path_buf(),
            rules: Arc::clone(&rules),
        };
        let thread = std::thread::spawn(move || runtime.block_on(served.run(stopped)));
        Ok(Self {
            folder,
            rules,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The path of its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("proxy.sock")
    }

    /// The engine as seen through the proxy.
    pub fn access(&self) -> EngineAccess {
        EngineAccess::foreign(&self.docker_host())
    }

    /// The value for `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Adds a rule; of several that apply to a request the oldest decides.
    pub fn add(&self, rule: Rule) -> RuleId {
        self.book().add(rule)
    }

    /// Takes a rule away; requests that hang already go on hanging.
    pub fn remove(&self, id: RuleId) {
        self.book().remove(id);
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.book().clear();
    }

    /// How many requests a rule has befallen.
    pub fn hits(&self, id: RuleId) -> usize {
        self.book().hits(id)
    }

    /// Every request so far, as `METHOD /path?query`.
    pub fn requests(&self) -> Vec<String> {
        self.book().requests()
    }

    fn book(&self) -> MutexGuard<'_, RuleBook> {
        self.rules
            .lock()
            .expect("nothing panics while it holds the rules")
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Served {
    listener: UnixListener,
    engine: PathBuf,
    rules: Arc<Mutex<RuleBook>>,
}

impl Served {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let mut conversations = JoinSet::new();
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                Some(_) = conversations.join_next() => {}
                accepted = self.listener.accept() => if let Ok((client, _)) = accepted {
                    let rules = Arc::clone(&self.rules);
                    conversations.spawn(converse(client, self.engine.clone(), rules));
                },
            }
        }
    }
}

/// One request. Errors end it: the client sees its connection close.
async fn converse(
    mut client: UnixStream,
    engine: PathBuf,
    rules: Arc<Mutex<RuleBook>>,
) -> io::Result<()> {
    let Some(head) = RequestHead::read(&mut client).await else {
        return Ok(());
    };
    let fault = {
        let mut rules = rules
            .lock()
            .expect("nothing panics while it holds the rules");
        rules.judge(&head.method, &head.path)
    };
    match fault {
        None => pass(client, &engine, head).await,
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            pass(client, &engine, head).await
        }
        Some(Fault::LoseReply) => lose_reply(client, &engine, head).await,
        Some(Fault::LoseRequest) => Ok(()),
        Some(Fault::Hang) => copy(&mut client, &mut sink()).await.map(drop),
        Some(Fault::Answer { status, body }) => answer(client, status, &body).await,
        Some(Fault::CutAfter(bytes)) => cut(client, &engine, head, bytes).await,
    }
}

async fn ask(engine: &Path, head: RequestHead) -> io::Result<UnixStream> {
    let mut upstream = UnixStream::connect(engine).await?;
    upstream.write_all(&head.into_bytes()).await?;
    Ok(upstream)
}

async fn pass(mut client: UnixStream, engine: &Path, head: RequestHead) -> io::Result<()> {
    let mut upstream = ask(engine, head).await?;
    copy_bidirectional(&mut client, &mut upstream)
        .await
        .map(drop)
}

/// The rest of the request's body goes through; the answer goes nowhere.
async fn lose_reply(mut client: UnixStream, engine: &Path, head: RequestHead) -> io::Result<()> {
    let (mut from_engine, mut to_engine) = ask(engine, head).await?.into_split();
    let (mut nowhere, mut from_client) = (sink(), client.split().0);
    let answer = copy(&mut from_engine, &mut nowhere);
    tokio::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered.map(drop),
        // The client may give up; the engine answers nevertheless.
        _ = copy(&mut from_client, &mut to_engine) => answer.await.map(drop),
    }
}

async fn answer(mut client: UnixStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Broken\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await?;
    // Closing with unread bytes would throw the answer away.
    copy(&mut client, &mut sink()).await.map(drop)
}

async fn cut(client: UnixStream, engine: &Path, head: RequestHead, bytes: usize) -> io::Result<()> {
    let (from_engine, mut to_engine) = ask(engine, head).await?.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let mut beginning = from_engine.take(bytes as u64);
    tokio::select! {
        passed = copy(&mut beginning, &mut to_client) => passed.map(drop),
        failed = async {
            copy(&mut from_client, &mut to_engine).await?;
            std::future::pending::<io::Result<()>>().await
        } => failed,
    }
}
