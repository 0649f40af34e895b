//! Lines through `ssh … docker system dial-stdio`, as Docker's own client opens them.
//!
//! Every line is an ssh process of its own, so that a login is needed for each; idle lines are
//! kept by the HTTP client and used again. ssh never asks anything: keys and known hosts come from
//! the user's own configuration.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::route::SshRoute;
use crate::options::DockerOptions;

/// Logins at one time: sshd drops some beyond ten that have not finished (`MaxStartups`). Lines
/// that are open are not counted; a host with many jobs has a long-lived one for each log.
const LOGINS: usize = 8;
/// Of what ssh says, as much is kept for the error.
const SAID_MAX: usize = 4096;

/// Opens lines to one machine.
pub(crate) struct SshDialer {
    program: PathBuf,
    arguments: Vec<String>,
    logins: Arc<Semaphore>,
}

impl SshDialer {
    pub(crate) fn new(options: &DockerOptions, route: &SshRoute) -> Self {
        let words = options.ssh_words.iter().cloned();
        Self {
            program: options.ssh_program.clone(),
            arguments: words.chain(arguments(route)).collect(),
            logins: Arc::new(Semaphore::new(LOGINS)),
        }
    }

    /// Starts ssh. Whether the login succeeds is known only when the first byte is read.
    pub(crate) async fn dial(&self) -> io::Result<SshLine> {
        let permit = Arc::clone(&self.logins)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| {
                io::Error::new(why.kind(), format!("{}: {why}", self.program.display()))
            })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("ssh has no pipes"));
        };
        let said = Box::pin(read_said(stderr));
        Ok(SshLine {
            _child: child,
            stdin,
            stdout,
            said,
            login: Some(permit),
        })
    }
}

fn arguments(route: &SshRoute) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=10",
        "-o",
        "ServerAliveInterval=30",
        "-T",
    ]
    .map(str::to_owned)
    .into();
    if let Some(user) = &route.user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = route.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["--".to_owned(), route.host.clone(), "docker".to_owned()]);
    if let Some(socket) = &route.socket {
        arguments.push(format!("--host=unix://{socket}"));
    }
    arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    arguments
}

/// What ssh said before it ended.
async fn read_said(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let room = SAID_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..length.min(room)]);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// One ssh process. Ends with it.
pub(crate) struct SshLine {
    _child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    said: Pin<Box<dyn Future<Output = String> + Send>>,
    login: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for SshLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.login = None;
            return Poll::Ready(Ok(()));
        }
        if self.login.is_none() {
            return Poll::Ready(Ok(()));
        }
        let said = ready!(self.said.as_mut().poll(context));
        self.login = None;
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            format!("ssh: {said}"),
        )))
    }
}

impl AsyncWrite for SshLine {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(context)
    }
}
