//! Answers that come as one JSON document a line.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use longshore_core::with_causes;
use serde::de::DeserializeOwned;

const LINE_MAX: usize = 4 * 1024 * 1024;

/// Reads one document after the other.
pub(crate) struct JsonLines {
    body: Incoming,
    buffer: BytesMut,
}

impl JsonLines {
    /// Of this answer.
    pub(crate) fn new(body: Incoming) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
        }
    }

    /// The next document; `None` at the end of the answer.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                if !line.trim_ascii().is_empty() {
                    return serde_json::from_slice(&line)
                        .map(Some)
                        .map_err(|why| why.to_string());
                }
                continue;
            }
            if self.buffer.len() > LINE_MAX {
                return Err(format!("a line is longer than {LINE_MAX} bytes"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend(frame.into_data().unwrap_or_default()),
                Some(Err(why)) => return Err(with_causes(&why)),
                None => return self.last(),
            }
        }
    }

    fn last<T: DeserializeOwned>(&mut self) -> Result<Option<T>, String> {
        let line = self.buffer.split();
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|why| why.to_string())
    }
}
