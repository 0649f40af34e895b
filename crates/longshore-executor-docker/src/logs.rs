//! A container's output as a stream of frames.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use hyper::body::{Body, Incoming};
use longshore_core::log::Frame;
use longshore_core::with_causes;
use longshore_executor::{ExecutorError, LogRange};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::client::{Call, Client};
use crate::frames::{BadFrame, Frames};
use crate::mend::Mender;

/// The log of a container; empty when there is no such container.
pub(crate) async fn logs(
    client: &Arc<Client>,
    id: &str,
    range: LogRange,
) -> Result<BoxStream<'static, Result<Frame, ExecutorError>>, ExecutorError> {
    let part = match range {
        LogRange::Follow => "&follow=true".to_owned(),
        LogRange::All => String::new(),
        LogRange::Last(count) => format!("&tail={count}"),
    };
    let tried = format!("read the log of container {id}");
    let path = format!("/containers/{id}/logs?stdout=true&stderr=true&timestamps=true{part}");
    let call = Call::get(path, client.deadlines().control, tried.clone());
    let body = match client.stream(call).await {
        Ok(body) => body,
        Err(failure) if failure.status() == Some(404) => return Ok(stream::empty().boxed()),
        Err(failure) => return Err(failure.into()),
    };
    let silence = match range {
        // A job may be silent for as long as it likes.
        LogRange::Follow => None,
        LogRange::All | LogRange::Last(_) => Some(Silence::new(client.deadlines().control)),
    };
    let mender = client
        .version()
        .await?
        .loses_newlines()
        .then(Mender::default);
    let frames = Frames::default();
    let reader = LogReader {
        body,
        frames,
        mender,
        silence,
        over: false,
    };
    let client = Arc::clone(client);
    Ok(reader
        .map(move |frame| frame.map_err(|why| client.broken(&tried, why).into()))
        .boxed())
}

struct LogReader {
    body: Incoming,
    frames: Frames,
    mender: Option<Mender>,
    silence: Option<Silence>,
    over: bool,
}

impl LogReader {
    fn whole(&mut self, frame: Frame) -> Frame {
        match &mut self.mender {
            Some(mender) => mender.mend(frame),
            None => frame,
        }
    }

    /// The next piece from the engine; `None` at the end.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            return match &mut self.silence {
                Some(silence) => silence.poll(context).map(|why| Some(Err(why))),
                None => Poll::Pending,
            };
        }
        if let Some(silence) = &mut self.silence {
            silence.is_broken = true;
        }
        polled.map(|piece| {
            piece.map(|piece| match piece {
                Ok(piece) => Ok(piece.into_data().unwrap_or_default()),
                Err(why) => Err(with_causes(&why)),
            })
        })
    }
}

impl Stream for LogReader {
    type Item = Result<Frame, String>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let text = |why: BadFrame| why.to_string();
        while !self.over {
            match self.frames.next_frame() {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(self.whole(frame)))),
                Ok(None) => {}
                Err(why) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(text(why))));
                }
            }
            match ready!(self.poll_piece(context)) {
                Some(Ok(piece)) => self.frames.feed(piece),
                Some(Err(why)) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(why)));
                }
                None => {
                    self.over = true;
                    let end = self.frames.end().map_err(text);
                    return Poll::Ready(end.err().map(Err));
                }
            }
        }
        Poll::Ready(None)
    }
}

/// A clock that runs out when nothing comes for a while. It is set again only when it rings, so
/// that a busy stream pays nothing for it.
struct Silence {
    limit: Duration,
    is_broken: bool,
    bell: Pin<Box<Sleep>>,
}

impl Silence {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            is_broken: false,
            bell: Box::pin(sleep_until(Instant::now() + limit)),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<String> {
        loop {
            ready!(self.bell.as_mut().poll(context));
            if !self.is_broken {
                return Poll::Ready(format!("nothing came for {:?}", self.limit));
            }
            self.is_broken = false;
            self.bell.as_mut().reset(Instant::now() + self.limit);
        }
    }
}
