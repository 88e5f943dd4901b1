//! A reader of Server-Sent Events.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

/// An open stream.
pub struct Stream {
    response: Response,
    buffer: String,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: String,
    pub event: String,
    pub data: Value,
}

impl Stream {
    /// Opens one, and waits until it says that it is there.
    pub async fn open(url: &str, last_event_id: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(url).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let mut stream = Self { response, buffer: String::new() };
        assert!(stream.block().await.unwrap().starts_with(": still here\nid: "));
        stream
    }

    /// The next event; nothing at the end.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let prefix = format!("{name}: ");
                let lines: Vec<_> = block.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
                lines.join("\n")
            };
            let data = serde_json::from_str(&field("data")).unwrap();
            return Some(Message { id: field("id"), event: field("event"), data });
        }
    }

    /// So many events, which have to come.
    pub async fn take(&mut self, count: usize) -> Vec<Message> {
        let mut found = Vec::new();
        while found.len() < count {
            let next = tokio::time::timeout(Duration::from_secs(60), self.next()).await;
            found.push(next.unwrap_or_else(|_| panic!("{} of {count} came", found.len())).expect("the stream goes on"));
        }
        found
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let block = block.to_owned();
                self.buffer = rest.to_owned();
                return Some(block);
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk).expect("pieces are whole"));
        }
    }
}
