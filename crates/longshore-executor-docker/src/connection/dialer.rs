//! Opens lines to an engine, whatever its route.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use longshore_core::host::Endpoint;
use longshore_executor::ExecutorError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

use super::route::Route;
use super::ssh::SshDialer;
use super::tls;
use crate::options::DockerOptions;

/// A dead peer behind a silent network is noticed by this.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Opens lines to one engine.
#[derive(Clone)]
pub(crate) struct Dialer {
    way: Arc<Way>,
    limit: Duration,
}

enum Way {
    Unix(std::path::PathBuf),
    Tcp {
        uri: Uri,
        tls: Option<(TlsConnector, ServerName<'static>)>,
    },
    Ssh(SshDialer),
}

impl Dialer {
    /// A dialer for `endpoint`. Nothing is opened yet; files are read.
    pub(crate) fn new(
        route: &Route,
        endpoint: &Endpoint,
        options: &DockerOptions,
    ) -> Result<Self, ExecutorError> {
        let way = match route {
            Route::Unix(path) => Way::Unix(path.clone()),
            Route::Ssh(ssh) => Way::Ssh(SshDialer::new(options, ssh)),
            Route::Tcp { host, port } => {
                let uri = format!("http://{host}:{port}")
                    .parse()
                    .map_err(tls::refuse)?;
                let tls = endpoint
                    .tls
                    .as_ref()
                    .map(|files| tls::client(files, host))
                    .transpose()?;
                Way::Tcp { uri, tls }
            }
        };
        Ok(Self {
            way: Arc::new(way),
            limit: options.deadlines.connect,
        })
    }
}

impl Way {
    async fn dial(&self, limit: Duration) -> io::Result<Line> {
        match self {
            Self::Unix(path) => dial_unix(path).await,
            Self::Ssh(ssh) => Ok(Line(Box::new(ssh.dial().await?))),
            Self::Tcp { uri, tls } => {
                let stream = dial_tcp(uri.clone(), limit).await?;
                let Some((connector, name)) = tls else {
                    return Ok(Line(Box::new(stream)));
                };
                Ok(Line(Box::new(
                    connector.connect(name.clone(), stream).await?,
                )))
            }
        }
    }
}

async fn dial_unix(path: &Path) -> io::Result<Line> {
    Ok(Line(Box::new(UnixStream::connect(path).await?)))
}

async fn dial_tcp(uri: Uri, limit: Duration) -> io::Result<TcpStream> {
    let mut connector = HttpConnector::new();
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE));
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limit));
    Ok(connector
        .call(uri)
        .await
        .map_err(io::Error::other)?
        .into_inner())
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Line>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Line>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (way, limit) = (Arc::clone(&self.way), self.limit);
        async move {
            let late = |_| {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no connection within {limit:?}"),
                )
            };
            timeout(limit, way.dial(limit))
                .await
                .map_err(late)?
                .map(TokioIo::new)
        }
        .boxed()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One open connection.
pub(crate) struct Line(Box<dyn Stream>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
