//! What an event is, and when one is valid.
//!
//! A body becomes [`RawEvent`]s (slices of the text, strictly checked), and a raw event becomes a
//! [`NewEvent`] if the [`Catalog`] knows its kind and agrees with its `data`. No I/O happens here,
//! but for reading the catalog's folder at start.

mod application;
mod catalog;
mod errors;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod json;
mod new_event;
mod raw;
mod rejected;
mod timestamp;

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

pub use application::Application;
pub use catalog::{Catalog, CatalogError, EventType};
pub use errors::{Errors, text};
pub use json::{JsonError, JsonType, check as check_json, utf8};
pub use new_event::{NewEvent, Rules};
pub use raw::{Body, Field, Fields, RawEvent, read_body, read_line, read_lines};
pub use rejected::{Reason, Rejected, RejectedKind};
pub use timestamp::{Timestamp, TimestampFormat};

/// One thing that somebody did on a website.
///
/// `application`, `id` and `timestamp` together are its identity: a second event with all the same is the
/// same event sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The client's key for the event, or a UUIDv7 of ours.
    pub id: Uuid,
    /// When it happened, by the client's clock.
    pub timestamp: Timestamp,
    /// When it was taken in, by ours.
    pub received_at: Timestamp,
    /// The sending application's name for the visit, 1 to 255 characters.
    pub session_id: String,
    /// What kind of thing happened.
    pub kind: Arc<EventKind>,
    /// The JSON object that was sent, to the letter.
    pub data: String,
    /// Who sent it; nobody is known where it came without a key.
    pub application: Option<Arc<Application>>,
    /// The client's address, as far as it is to be kept.
    pub address: Option<IpAddr>,
}

/// The type of an event: both names with underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKind {
    /// The wider group, such as `page_interaction`.
    pub category: String,
    /// The name within the category, such as `page_view`.
    pub name: String,
}

impl Event {
    /// Appends the event as answers show it.
    pub fn write_json(&self, out: &mut Vec<u8>, format: TimestampFormat) {
        self.write_open(out, format);
        if let Some(application) = &self.application {
            out.extend_from_slice(b",\"application\":");
            quote(&application.name, out);
        }
        if let Some(address) = self.address {
            out.extend_from_slice(format!(",\"address\":\"{address}\"").as_bytes());
        }
        out.push(b'}');
    }

    /// Appends what of it a client may send, so that it can be taken in again.
    fn write_as_sent(&self, out: &mut Vec<u8>) {
        self.write_open(out, TimestampFormat::Rfc3339);
        out.push(b'}');
    }

    /// Appends the fields that every event has, and leaves the object open.
    fn write_open(&self, out: &mut Vec<u8>, format: TimestampFormat) {
        out.extend_from_slice(b"{\"id\":\"");
        out.extend_from_slice(self.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
        out.extend_from_slice(b"\",\"session_id\":");
        quote(&self.session_id, out);
        out.extend_from_slice(b",\"category\":");
        quote(&self.kind.category, out);
        out.extend_from_slice(b",\"name\":");
        quote(&self.kind.name, out);
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(self.data.as_bytes());
        out.extend_from_slice(b",\"timestamp\":\"");
        self.timestamp.write(out, format);
        out.push(b'"');
    }

    /// Bytes that an event takes beside its texts, roughly.
    pub(crate) const OVERHEAD: usize = 48;

    /// Bytes that an application takes beside its name.
    const NUMBERED: usize = 6;

    /// Bytes the event takes in memory and, roughly, on disk.
    pub fn size(&self) -> usize {
        let texts = self.session_id.len() + self.kind.category.len() + self.kind.name.len() + self.data.len();
        texts + self.sender_size() + Self::OVERHEAD
    }

    /// Bytes of it that say who sent it: none where nobody is known.
    pub(crate) fn sender_size(&self) -> usize {
        let application = self.application.as_ref().map_or(0, |application| Self::NUMBERED + application.name.len());
        let address = match self.address {
            None => 0,
            Some(IpAddr::V4(_)) => 4,
            Some(IpAddr::V6(_)) => 16,
        };
        application + address
    }

    /// The number of its application, 0 for none: so it stands in keys.
    pub(crate) fn application_number(&self) -> u32 {
        self.application.as_ref().map_or(0, |application| application.number.get())
    }
}

/// Appends a text as a JSON string.
fn quote(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a text is JSON, and a Vec takes it all");
}
