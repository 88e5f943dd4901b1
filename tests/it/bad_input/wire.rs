//! One connection, used again and again, and never replaced.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Input;
use crate::support::TestEye;

/// The connection.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub text: String,
    pub allow: String,
    /// The server will not use the connection any more.
    pub closes: bool,
}

impl Wire {
    pub async fn to(eye: &TestEye) -> Self {
        let stream = TcpStream::connect(eye.base.trim_start_matches("http://")).await.unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends a request and reads its answer to the end, and not a byte more.
    pub async fn send(&mut self, input: &Input) -> Result<Reply, String> {
        let mut request = format!("{} {} HTTP/1.1\r\nHost: eye.example\r\n", input.method, input.path).into_bytes();
        for (name, value) in &input.headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", input.body.len()).as_bytes());
        request.extend_from_slice(&input.body);
        self.stream.write_all(&request).await.map_err(|error| format!("the connection was closed: {error}"))?;
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let header = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        // An answer to HEAD says how long another one would be.
        let length = match input.method {
            "HEAD" => 0,
            _ => {
                header("content-length").ok_or_else(|| format!("an answer without a length: {head}"))?.parse().unwrap()
            }
        };
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            text: String::from_utf8(self.read.drain(..length).collect()).unwrap(),
            allow: header("allow").unwrap_or_default(),
            closes: header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
        })
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) => Err("the connection was closed".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }
}
