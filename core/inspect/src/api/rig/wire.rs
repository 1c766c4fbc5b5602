//! A client of raw bytes.

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use super::PATIENCE;

/// A stream of events, as a browser reads it.
pub(in crate::api) struct Events {
    pub(super) io: TcpStream,
    pub(super) text: String,
}

impl Events {
    /// The next event: its name and data. Heartbeats and the frames of chunked coding are skipped.
    pub(in crate::api) async fn next(&mut self) -> (String, Value) {
        loop {
            let block = self.until("\n\n").await;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
            };
            if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                return (event, serde_json::from_str(&data).unwrap());
            }
        }
    }

    /// The next one of a name; others are passed over.
    pub(in crate::api) async fn next_of(&mut self, name: &str) -> Value {
        loop {
            let (event, data) = self.next().await;
            if event == name {
                return data;
            }
        }
    }

    /// Whether the stream ends.
    pub(in crate::api) async fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        timeout(PATIENCE, self.io.read_to_end(&mut rest)).await.is_ok()
    }

    pub(super) async fn until(&mut self, mark: &str) -> String {
        let reading = async {
            loop {
                if let Some(at) = self.text.find(mark) {
                    let rest = self.text.split_off(at + mark.len());
                    return std::mem::replace(&mut self.text, rest);
                }
                let mut buf = vec![0; 16 * 1024];
                let n = self.io.read(&mut buf).await.unwrap();
                assert_ne!(n, 0, "the stream ended after {:?}", self.text);
                self.text.push_str(std::str::from_utf8(&buf[..n]).unwrap());
            }
        };
        timeout(PATIENCE, reading).await.unwrap()
    }
}

/// An answer.
#[derive(Debug)]
pub(in crate::api) struct Reply {
    pub(in crate::api) status: u16,
    head: String,
    pub(in crate::api) body: Vec<u8>,
}

impl Reply {
    pub(in crate::api) fn of(bytes: &[u8]) -> Self {
        let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[at + 4..].to_vec() }
    }

    pub(in crate::api) fn header(&self, name: &str) -> Option<&str> {
        let is = |line: &&str| line.split(':').next().unwrap().eq_ignore_ascii_case(name);
        self.head.lines().skip(1).find(is).map(|line| line[name.len() + 1..].trim())
    }

    pub(in crate::api) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of an answer that came in chunks.
    pub(in crate::api) fn unchunked(&self) -> Vec<u8> {
        assert_eq!(self.header("transfer-encoding"), Some("chunked"));
        let (mut whole, mut rest) = (Vec::new(), &self.body[..]);
        loop {
            let end = rest.windows(2).position(|w| w == b"\r\n").unwrap();
            let len =
                usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            if len == 0 {
                return whole;
            }
            whole.extend_from_slice(&rest[end + 2..end + 2 + len]);
            rest = &rest[end + 2 + len + 2..];
        }
    }

    pub(in crate::api) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(self.header("content-length"), Some(&*self.body.len().to_string()));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error object, having seen that it agrees with the status.
    pub(in crate::api) fn error(&self) -> Value {
        let error = self.json();
        assert_eq!(error["status_code"], json!(self.status));
        error
    }
}
