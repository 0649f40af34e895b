//! Just enough of HTTP/1.1 for a proxy: the head of a request.

use tokio::io::{AsyncRead, AsyncReadExt};

const LONGEST_HEAD: usize = 64 * 1024;
const END: &[u8] = b"\r\n\r\n";

/// A request's first line and headers, and the bytes of its body that came along.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    lines: Vec<String>,
    rest: Vec<u8>,
}

impl RequestHead {
    /// Reads one head; `None` when the client closed without a request (or sent no HTTP).
    pub(crate) async fn read(client: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut buffer = Vec::new();
        loop {
            if let Some(end) = buffer.windows(END.len()).position(|window| window == END) {
                let rest = buffer.split_off(end + END.len());
                return Self::parse(&String::from_utf8(buffer).ok()?, rest);
            }
            if buffer.len() > LONGEST_HEAD || client.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// The bytes to send on. The engine is asked to close after its answer, so that the end of
    /// the connection is the end of the answer; an upgrade keeps its own `Connection` header.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let upgrades = self.lines.iter().any(|line| has_name(line, "upgrade"));
        let mut text = String::new();
        let kept = |line: &&String| upgrades || !has_name(line, "connection");
        for line in self.lines.iter().filter(kept) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !upgrades {
            text.push_str("Connection: close\r\n");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend(self.rest);
        bytes
    }

    fn parse(text: &str, rest: Vec<u8>) -> Option<Self> {
        let lines: Vec<String> = text.trim_end().split("\r\n").map(str::to_owned).collect();
        let mut words = lines.first()?.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        Some(Self {
            method,
            path,
            lines,
            rest,
        })
    }
}

fn has_name(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent_on(request: &str) -> String {
        let head = RequestHead::read(&mut request.as_bytes()).await.unwrap();
        String::from_utf8(head.into_bytes()).unwrap()
    }

    #[tokio::test]
    async fn a_plain_request_asks_for_the_end_and_keeps_its_body() {
        let text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\n\r\nbody";
        let sent = sent_on(text).await;
        assert_eq!(
            sent,
            "POST /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nbody"
        );
    }

    #[tokio::test]
    async fn an_upgrade_stays_as_it_is() {
        let text = "POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(sent_on(text).await, text);
    }

    #[tokio::test]
    async fn a_closed_connection_is_no_request() {
        assert!(
            RequestHead::read(&mut "GET / HT".as_bytes())
                .await
                .is_none()
        );
    }
}
