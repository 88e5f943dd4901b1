//! What goes over the wire: Server-Sent Events, as the HTML standard has them.

use axum::body::Bytes;

use crate::event::TimestampFormat;
use crate::store::{Place, Stored};

/// A comment, which keeps the connection from being taken for dead, and the place that the reader is at. It makes no
/// event, but is what a browser goes on from.
pub(super) fn heartbeat(place: Place) -> Bytes {
    format!(": still here\nid: {place}\n\n").into()
}

/// Something that was stored.
pub(super) fn frame(place: Place, stored: &Stored, format: TimestampFormat) -> Bytes {
    let mut json = Vec::with_capacity(512);
    let name = match stored {
        Stored::Event(event) => {
            event.write_json(&mut json, format);
            "event"
        }
        Stored::Rejected(rejected) => {
            rejected.write_json(&mut json, format);
            "rejected"
        }
    };
    let mut out = format!("id: {place}\nevent: {name}\n").into_bytes();
    data(&mut out, &json);
    out.into()
}

/// That some were stored which nobody can be told about any more.
pub(super) fn gap(place: Place) -> Bytes {
    let mut out = format!("id: {place}\nevent: gap\n").into_bytes();
    data(&mut out, br#"{"reason":"The place to go on from is not kept any more: some events were left out. GET /events has them."}"#);
    out.into()
}

/// A line ends the field, so that each line of a text is a field of its own. Within JSON only white space has lines.
fn data(out: &mut Vec<u8>, json: &[u8]) {
    for line in json.split(|&byte| byte == b'\n' || byte == b'\r') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_json_cannot_end_a_field() {
        let mut out = Vec::new();
        data(&mut out, b"{\r\n\"a\":\n1}");
        assert_eq!(out, b"data: {\ndata: \ndata: \"a\":\ndata: 1}\n\n");
    }
}
