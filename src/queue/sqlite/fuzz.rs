//! What has to hold of the rows of the queue, whatever the disk has made of them.

use super::super::packed::Last;
use super::segment;
use crate::event::Event;

pub(crate) fn entries(bytes: &[u8]) {
    let (first, body) = match bytes.split_first() {
        Some((first, body)) => (u64::from(*first), body),
        None => (0, bytes),
    };
    let mut last = Last::default();
    let read: Vec<_> = segment::read(first, body, &mut last).collect();
    let (events, bytes) = segment::sizes(first, body);
    let whole = segment::without(first, body, 1, 0);
    let Ok(read) = read.into_iter().collect::<Result<Vec<_>, _>>() else {
        let last = first + body.len() as u64;
        assert_eq!(
            segment::sizes(first, &segment::without(first, body, first, last)),
            (0, 0),
            "damage cannot be taken out"
        );
        return;
    };
    assert_eq!(whole, body, "what is taken apart is not put together");
    let pieces = segment::pieces(body, 3, 200);
    assert_eq!(pieces.iter().map(|piece| piece.body).collect::<Vec<_>>().concat(), body, "pieces are not the whole");
    assert_eq!(events, read.len() as u64);
    assert_eq!(bytes, read.iter().map(|entry| entry.item.size() as u64).sum::<u64>());
    for entry in &read {
        assert!(segment::holds(first, body, entry.seq, entry.seq));
        let mut written = Vec::new();
        segment::write(&entry.item, &mut written);
        assert_eq!(written.len(), segment::length(&entry.item));
        let left = segment::without(first, body, entry.seq, entry.seq);
        assert!(!segment::holds(first, &left, entry.seq, entry.seq));
        assert_eq!(segment::sizes(first, &left), (events - 1, bytes - Event::size(&entry.item) as u64));
        let found: Vec<_> = segment::read(entry.seq, &written, &mut last).collect();
        assert!(matches!(&found[..], [Ok(found)] if found.item == entry.item), "what is written is not read");
    }
}
