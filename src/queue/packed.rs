//! An event as bytes, as both queues keep it.
//!
//! With numbers in big-endian order: the id (16 bytes), the timestamp and the time it was received (8 each,
//! microseconds since 1970), the lengths of session id, category and name (2 each), and the four texts,
//! `data` last, to the end.
//!
//! Who sent it stands before the texts, and only where it is known: the uppermost bits of the first length, which
//! needs fewer, say that there is an application (its number, 4 bytes, the length of its name, 2, and the name) and
//! an address (4 or 16 bytes).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use uuid::Uuid;

use crate::event::{Application, Event, EventKind, Timestamp};

/// Bytes beside the texts.
pub(super) const FIXED: usize = 16 + 8 + 8 + 3 * 2;

/// What the uppermost bits of the first length say.
const HAS_APPLICATION: u16 = 1 << 15;
const HAS_IPV4: u16 = 1 << 14;
const HAS_IPV6: u16 = 1 << 13;
const LENGTH: u16 = HAS_IPV6 - 1;

/// What the event that was read last has in common with the next one, as it mostly has: it is made once.
#[derive(Debug)]
pub(super) struct Last {
    kind: Arc<EventKind>,
    application: Option<Arc<Application>>,
}

impl Default for Last {
    fn default() -> Self {
        let kind = Arc::new(EventKind { category: String::new(), name: String::new() });
        Self { kind, application: None }
    }
}

/// Appends an event.
pub(super) fn write(event: &Event, out: &mut Vec<u8>) {
    let Event { id, timestamp, received_at, session_id, kind, data, application, address } = event;
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(&timestamp.as_micros().to_be_bytes());
    out.extend_from_slice(&received_at.as_micros().to_be_bytes());
    let names = [session_id, &kind.category, &kind.name];
    let mut lengths = names.map(|name| length_of(name));
    if application.is_some() {
        lengths[0] |= HAS_APPLICATION;
    }
    lengths[0] |= match address {
        None => 0,
        Some(IpAddr::V4(_)) => HAS_IPV4,
        Some(IpAddr::V6(_)) => HAS_IPV6,
    };
    for length in lengths {
        out.extend_from_slice(&length.to_be_bytes());
    }
    if let Some(application) = application {
        out.extend_from_slice(&application.number.get().to_be_bytes());
        out.extend_from_slice(&length_of(&application.name).to_be_bytes());
        out.extend_from_slice(application.name.as_bytes());
    }
    match address {
        None => (),
        Some(IpAddr::V4(address)) => out.extend_from_slice(&address.octets()),
        Some(IpAddr::V6(address)) => out.extend_from_slice(&address.octets()),
    }
    for text in [names[0], names[1], names[2], data] {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that an event takes.
pub(super) fn length(event: &Event) -> usize {
    let texts = event.session_id.len() + event.kind.category.len() + event.kind.name.len() + event.data.len();
    FIXED + event.sender_size() + texts
}

/// The event of all these bytes.
pub(super) fn read(bytes: &[u8], last: &mut Last) -> Option<Event> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (timestamp, rest) = rest.split_first_chunk()?;
    let (received_at, rest) = rest.split_first_chunk()?;
    let (lengths, mut rest) = rest.split_first_chunk::<6>()?;
    let [first, second, third] = [0, 2, 4].map(|at| u16::from_be_bytes([lengths[at], lengths[at + 1]]));
    let (mut application, mut address) = (None, None);
    if first & !LENGTH != 0 {
        (application, address) = sender(first, &mut rest, last)?;
    }
    let (session_id, category, name) =
        (text(first & LENGTH, &mut rest)?, text(second, &mut rest)?, text(third, &mut rest)?);
    if (last.kind.category.as_str(), last.kind.name.as_str()) != (category, name) {
        last.kind = Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() });
    }
    Some(Event {
        id: Uuid::from_bytes(*id),
        timestamp: Timestamp::from_micros(i64::from_be_bytes(*timestamp))?,
        received_at: Timestamp::from_micros(i64::from_be_bytes(*received_at))?,
        session_id: session_id.to_owned(),
        kind: last.kind.clone(),
        data: std::str::from_utf8(rest).ok()?.to_owned(),
        application,
        address,
    })
}

/// Who sent an event.
type Sender = (Option<Arc<Application>>, Option<IpAddr>);

/// Reads what these bits say that there is.
fn sender(bits: u16, rest: &mut &[u8], last: &mut Last) -> Option<Sender> {
    let application = match bits & HAS_APPLICATION != 0 {
        true => Some(application(rest, last)?),
        false => None,
    };
    let address = match (bits & HAS_IPV4 != 0, bits & HAS_IPV6 != 0) {
        (false, false) => None,
        (true, false) => Some(IpAddr::V4(Ipv4Addr::from(chunk::<4>(rest)?))),
        (false, true) => Some(IpAddr::V6(Ipv6Addr::from(chunk::<16>(rest)?))),
        (true, true) => return None,
    };
    Some((application, address))
}

fn application(rest: &mut &[u8], last: &mut Last) -> Option<Arc<Application>> {
    let number = NonZeroU32::new(u32::from_be_bytes(chunk(rest)?))?;
    let length = u16::from_be_bytes(chunk(rest)?);
    let name = text(length, rest)?;
    let known = last.application.take().filter(|last| (last.number, last.name.as_str()) == (number, name));
    let application = known.unwrap_or_else(|| Arc::new(Application { number, name: name.to_owned() }));
    last.application = Some(application.clone());
    Some(application)
}

fn text<'a>(length: u16, rest: &mut &'a [u8]) -> Option<&'a str> {
    let (text, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

fn chunk<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*chunk)
}

/// The length of a name, which has some hundred characters at most.
fn length_of(name: &str) -> u16 {
    u16::try_from(name.len()).ok().filter(|length| *length <= LENGTH).expect("names have 255 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(application: Option<(u32, &str)>, address: Option<&str>) -> Event {
        let application = application.map(|(number, name)| {
            Arc::new(Application { number: NonZeroU32::new(number).unwrap(), name: name.to_owned() })
        });
        Event {
            id: Uuid::from_u128(7),
            timestamp: Timestamp::from_micros(-1).unwrap(),
            received_at: Timestamp::from_micros(1).unwrap(),
            session_id: "é".repeat(255),
            kind: Arc::new(EventKind { category: "c".to_owned(), name: "n".to_owned() }),
            data: "{\"a\":1.10}".to_owned(),
            application,
            address: address.map(|address| address.parse().unwrap()),
        }
    }

    fn written(event: &Event) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(event, &mut bytes);
        bytes
    }

    #[test]
    fn who_sent_an_event_is_read_as_it_was_written() {
        let mut last = Last::default();
        for application in [None, Some((1, "shop")), Some((u32::MAX, "ñ")), Some((1, "other"))] {
            for address in [None, Some("192.0.2.7"), Some("2001:db8::1"), Some("::ffff:192.0.2.7")] {
                let event = event(application, address);
                let bytes = written(&event);
                assert_eq!((bytes.len(), read(&bytes, &mut last)), (length(&event), Some(event.clone())));
                assert_eq!(bytes.len() - FIXED + Event::OVERHEAD, event.size());
            }
        }
    }

    #[test]
    fn an_event_of_nobody_is_written_as_it_ever_was() {
        let event = event(None, None);
        let mut expected = [event.id.as_bytes(), &(-1_i64).to_be_bytes()[..], &1_i64.to_be_bytes()].concat();
        expected.extend([1, 254, 0, 1, 0, 1]);
        expected.extend(["é".repeat(255).as_bytes(), b"cn{\"a\":1.10}"].concat());
        assert_eq!(written(&event), expected);
    }

    #[test]
    fn bytes_that_contradict_themselves_are_no_event() {
        let with = |application, address| written(&event(application, address));
        let lengths = 16 + 8 + 8;
        let check = |mut bytes: Vec<u8>, at: usize, byte: u8| {
            bytes[at] |= byte;
            assert_eq!(read(&bytes, &mut Last::default()), None);
        };
        check(with(None, Some("192.0.2.7")), lengths, 0x20);
        let mut nobody = with(Some((1, "shop")), None);
        nobody[FIXED + 3] = 0;
        assert_eq!(read(&nobody, &mut Last::default()), None, "no application has the number 0");
        let whole = with(Some((1, "shop")), Some("2001:db8::1"));
        for cut in 0..whole.len() - "{\"a\":1.10}".len() {
            assert_eq!(read(&whole[..cut], &mut Last::default()), None, "{cut}");
        }
    }
}
