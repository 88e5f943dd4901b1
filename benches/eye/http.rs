//! As much of HTTP as the load needs: requests as bytes, and where an answer ends.

/// A POST of events.
pub(crate) fn post(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The body of a request or an answer.
pub(crate) fn body(message: &[u8]) -> &[u8] {
    &message[head(message).unwrap()..]
}

/// How long an answer is, once its head is there. It has to have a length.
pub(crate) fn length(answer: &[u8]) -> Option<usize> {
    let head = head(answer)?;
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(head + body.unwrap_or_else(|| panic!("an answer without a length: {text}")).parse::<usize>().unwrap())
}

/// Whether the answer is a 201: anything else is not what is measured.
pub(crate) fn is_created(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 201 ")
}

fn head(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}
