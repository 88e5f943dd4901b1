//! What every queue does. A backend is a way to open it; the tests are the same.

mod erasure;

use std::sync::Arc;

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::{Event, NewEvent, Rejected, RejectedKind};
use the_eye::metrics::Metrics;
use the_eye::queue::{
    Claim, Durability, Most, Queue, QueueError, RedisQueue, RedisQueueOptions, Role, SqliteQueue, SqliteQueueOptions,
};

use crate::support::events::{application, event, new_event_from, new_events, refused};
use crate::support::servers;

const MANY: Most = Most { entries: 1000, bytes: 1 << 20 };

/// Bounds of the queue under test.
#[derive(Clone, Copy)]
struct Bounds {
    events: u64,
    bytes: u64,
    refused: u64,
}

const WIDE: Bounds = Bounds { events: 1000, bytes: 1 << 20, refused: 1000 };

/// A queue that can be closed and opened again.
trait Backend {
    fn open(&self, bounds: Bounds) -> Arc<dyn Queue>;
}

struct Sqlite(tempfile::TempDir);

impl Backend for Sqlite {
    fn open(&self, bounds: Bounds) -> Arc<dyn Queue> {
        let options = SqliteQueueOptions {
            path: self.0.path().join("queue.db"),
            role: Role::Both,
            max_events: bounds.events,
            max_bytes: bounds.bytes,
            max_refused: bounds.refused,
            reserve: 0,
            migrations: Migrations::Apply,
        };
        Arc::new(SqliteQueue::open(&options, Arc::new(Metrics::new())).unwrap())
    }
}

async fn sqlite() -> impl Backend {
    Sqlite(tempfile::tempdir().unwrap())
}

struct Redis(String);

impl Backend for Redis {
    fn open(&self, bounds: Bounds) -> Arc<dyn Queue> {
        let options = RedisQueueOptions {
            url: self.0.clone(),
            role: Role::Both,
            max_events: bounds.events,
            max_bytes: bounds.bytes,
            max_refused: bounds.refused,
            clock: Clock::System,
        };
        Arc::new(RedisQueue::open(&options, Arc::new(Metrics::new())).unwrap())
    }
}

async fn redis() -> impl Backend {
    Redis(servers::new_queue())
}

contract!(sqlite redis: {
    events_come_out_in_the_order_they_went_in
    claim_skips_what_is_leased
    a_dropped_claim_is_free_again
    acked_entries_are_gone
    a_claim_is_bounded_by_bytes_but_never_empty
    a_full_queue_takes_none_of_a_request_and_recovers
    bytes_are_bounded_too
    everything_survives_a_restart_and_leases_do_not
    a_buried_event_moves_to_the_other_lane_for_good
    the_oldest_refusals_make_room_and_dead_letters_stay
    refusals_that_are_claimed_are_not_removed_for_newer_ones
    settled_waits_for_the_last_event_of_a_request
    numbers_are_not_given_twice
    requests_at_once_are_each_kept_together
    a_probe_sees_a_full_queue
    rejected_events_are_no_part_of_the_bytes
    who_sent_an_event_is_kept_over_a_restart
});

async fn claim(queue: &Arc<dyn Queue>) -> Claim<the_eye::event::Event> {
    queue.claim(MANY).await.unwrap().expect("something to claim")
}

/// Leases what another process held that is gone, as soon as the queue lets it.
async fn claim_of_the_dead(queue: &Arc<dyn Queue>) -> Claim<the_eye::event::Event> {
    let waiting = async {
        loop {
            match queue.claim(MANY).await.unwrap() {
                Some(claim) => return claim,
                None => queue.wait().await,
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("it is freed")
}

/// Everything that can be leased of the lane of rejected events.
async fn claim_rejected(queue: &Arc<dyn Queue>) -> Vec<Claim<Rejected>> {
    let mut claims = Vec::new();
    while let Some(claim) = queue.claim_rejected(MANY).await.unwrap() {
        claims.push(claim);
    }
    claims
}

fn paths(claim: &Claim<the_eye::event::Event>) -> Vec<u128> {
    claim.entries.iter().map(|entry| entry.item.id.as_u128()).collect()
}

async fn depth(queue: &Arc<dyn Queue>) -> (u64, u64) {
    let depth = queue.depth().await.unwrap();
    (depth.events, depth.rejected)
}

async fn events_come_out_in_the_order_they_went_in(backend: impl Backend) {
    let queue = backend.open(WIDE);
    assert!(queue.enqueue(new_events([3, 1])).await.unwrap().durable);
    queue.enqueue(new_events([2])).await.unwrap();
    let claim = claim(&queue).await;
    let expected: Vec<_> = [3, 1, 2].map(event).into();
    assert_eq!(claim.entries.iter().map(|entry| entry.item.clone()).collect::<Vec<_>>(), expected);
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.events, depth.rejected), (3, 0));
    assert_eq!(depth.bytes, expected.iter().map(the_eye::event::Event::size).sum::<usize>() as u64);
    assert_eq!(depth.oldest, Some(event(0).received_at));
}

async fn claim_skips_what_is_leased(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..4)).await.unwrap();
    let two = Most { entries: 2, bytes: 1 << 20 };
    let first = queue.claim(two).await.unwrap().unwrap();
    let second = queue.claim(two).await.unwrap().unwrap();
    assert_eq!((paths(&first), paths(&second)), (vec![0, 1], vec![2, 3]));
    assert!(queue.claim(two).await.unwrap().is_none());
}

async fn a_dropped_claim_is_free_again(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..4)).await.unwrap();
    let two = Most { entries: 2, bytes: 1 << 20 };
    let first = queue.claim(two).await.unwrap().unwrap();
    let second = queue.claim(two).await.unwrap().unwrap();
    drop(first);
    assert_eq!(paths(&claim(&queue).await), [0, 1], "the oldest first, and not what is still leased");
    drop(second);
    assert_eq!(paths(&claim(&queue).await), [0, 1, 2, 3]);
}

async fn acked_entries_are_gone(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..2)).await.unwrap();
    let both = claim(&queue).await;
    queue.enqueue(new_events(2..3)).await.unwrap();
    queue.ack(both).await.unwrap();
    assert_eq!(depth(&queue).await, (1, 0));
    assert_eq!(paths(&claim(&queue).await), [2]);
    queue.ack(claim(&queue).await).await.unwrap();
    let empty = queue.depth().await.unwrap();
    assert_eq!((empty.events, empty.bytes, empty.oldest), (0, 0, None));
}

async fn a_claim_is_bounded_by_bytes_but_never_empty(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..3)).await.unwrap();
    let one = Most { entries: 10, bytes: 1 };
    assert_eq!(paths(&queue.claim(one).await.unwrap().unwrap()), [0]);
    let two = Most { entries: 10, bytes: event(0).size() * 2 };
    assert_eq!(paths(&queue.claim(two).await.unwrap().unwrap()), [0, 1]);
}

async fn a_full_queue_takes_none_of_a_request_and_recovers(backend: impl Backend) {
    let queue = backend.open(Bounds { events: 3, ..WIDE });
    queue.enqueue(new_events(0..2)).await.unwrap();
    let full = queue.enqueue(new_events(2..4)).await.unwrap_err();
    assert!(matches!(full, QueueError::Full(_)), "{full}");
    assert_eq!(depth(&queue).await, (2, 0));
    queue.enqueue(new_events(2..3)).await.unwrap();
    queue.ack(claim(&queue).await).await.unwrap();
    queue.enqueue(new_events(3..6)).await.unwrap();
    assert_eq!(paths(&claim(&queue).await), [3, 4, 5]);
}

async fn bytes_are_bounded_too(backend: impl Backend) {
    let two = event(0).size() as u64 * 2;
    let queue = backend.open(Bounds { bytes: two, ..WIDE });
    queue.enqueue(new_events(0..2)).await.unwrap();
    assert!(matches!(queue.enqueue(new_events(2..3)).await, Err(QueueError::Full(_))));
    queue.ack(claim(&queue).await).await.unwrap();
    queue.enqueue(new_events(2..4)).await.unwrap();
}

async fn everything_survives_a_restart_and_leases_do_not(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..2)).await.unwrap();
    queue.refuse(vec![refused(1)]);
    queue.probe().await.unwrap();
    let before = queue.depth().await.unwrap();
    std::mem::forget(claim(&queue).await);
    drop(queue);
    let queue = backend.open(WIDE);
    assert_eq!(queue.depth().await.unwrap(), before);
    assert_eq!(paths(&claim_of_the_dead(&queue).await), [0, 1]);
}

async fn a_buried_event_moves_to_the_other_lane_for_good(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..3)).await.unwrap();
    let three = claim(&queue).await;
    let dead_letter = Rejected::dead_letter(refused(9).id, &three.entries[1].item, "the reason");
    queue.bury(three.entries[1].seq, dead_letter.clone()).await.unwrap();
    assert_eq!(depth(&queue).await, (2, 1));
    drop(three);
    assert_eq!(paths(&claim(&queue).await), [0, 2]);
    queue.ack(claim(&queue).await).await.unwrap();
    let buried = queue.claim_rejected(MANY).await.unwrap().unwrap();
    assert_eq!(buried.entries[0].item, dead_letter);
    assert!(queue.claim_rejected(MANY).await.unwrap().is_none(), "it is leased");
    queue.ack_rejected(buried).await.unwrap();
    assert_eq!(depth(&queue).await, (0, 0));
}

async fn the_oldest_refusals_make_room_and_dead_letters_stay(backend: impl Backend) {
    let queue = backend.open(Bounds { refused: 2, ..WIDE });
    queue.enqueue(new_events(0..1)).await.unwrap();
    let one = claim(&queue).await;
    let dead_letter = Rejected::dead_letter(refused(9).id, &one.entries[0].item, "the reason");
    queue.bury(one.entries[0].seq, dead_letter).await.unwrap();
    for number in 0..5 {
        queue.refuse(vec![refused(number)]);
    }
    // Refusals are written in order with everything else, so they are there after a probe.
    queue.probe().await.unwrap();
    let claims = claim_rejected(&queue).await;
    let kept: Vec<_> = claims.iter().flat_map(|claim| &claim.entries).map(|entry| &entry.item).collect();
    assert_eq!(kept[0].kind, RejectedKind::DeadLetter);
    assert_eq!(kept[1..].iter().map(|refused| refused.id.as_u128()).collect::<Vec<_>>(), [3, 4]);
    for claim in claims {
        queue.ack_rejected(claim).await.unwrap();
    }
    assert_eq!(depth(&queue).await, (0, 0));
}

async fn refusals_that_are_claimed_are_not_removed_for_newer_ones(backend: impl Backend) {
    let queue = backend.open(Bounds { refused: 2, ..WIDE });
    queue.refuse(vec![refused(0), refused(1)]);
    queue.probe().await.unwrap();
    let claimed = queue.claim_rejected(MANY).await.unwrap().unwrap();
    queue.refuse(vec![refused(2), refused(3)]);
    queue.probe().await.unwrap();
    assert_eq!(depth(&queue).await, (0, 2), "the newer ones had to go: the older are on their way");
    queue.ack_rejected(claimed).await.unwrap();
    assert_eq!(depth(&queue).await, (0, 0));
}

async fn settled_waits_for_the_last_event_of_a_request(backend: impl Backend) {
    let queue = backend.open(WIDE);
    let receipt = queue.enqueue(new_events(0..2)).await.unwrap();
    let mut settled = std::pin::pin!(queue.settled(&receipt));
    let one = queue.claim(Most { entries: 1, bytes: 1 }).await.unwrap().unwrap();
    // Polled all the while that one event is acked and the queue is written once more.
    tokio::select! {
        () = &mut settled => panic!("one event is still there"),
        () = async {
            queue.ack(one).await.unwrap();
            queue.probe().await.unwrap();
        } => (),
    }
    queue.ack(claim(&queue).await).await.unwrap();
    settled.await;
}

async fn numbers_are_not_given_twice(backend: impl Backend) {
    let queue = backend.open(WIDE);
    let first = queue.enqueue(new_events(0..1)).await.unwrap();
    queue.ack(claim(&queue).await).await.unwrap();
    drop(queue);
    let queue = backend.open(WIDE);
    let second = queue.enqueue(new_events(1..2)).await.unwrap();
    assert_ne!(first, second);
    queue.settled(&first).await;
}

async fn requests_at_once_are_each_kept_together(backend: impl Backend) {
    let queue = backend.open(WIDE);
    let requests = (0..40).map(|request| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.enqueue(new_events(request * 20..request * 20 + 20)).await.unwrap() })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    let all = paths(&claim(&queue).await);
    assert_eq!(all.len(), 800);
    for request in all.chunks(20) {
        assert_eq!(request, (request[0]..request[0] + 20).collect::<Vec<_>>());
    }
}

async fn a_probe_sees_a_full_queue(backend: impl Backend) {
    let queue = backend.open(Bounds { events: 1, ..WIDE });
    assert_eq!(queue.probe().await, Ok(Durability::Flushed));
    queue.enqueue(new_events(0..1)).await.unwrap();
    assert!(matches!(queue.probe().await, Err(QueueError::Full(_))));
    queue.ack(claim(&queue).await).await.unwrap();
    queue.probe().await.unwrap();
}

async fn rejected_events_are_no_part_of_the_bytes(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events(0..3)).await.unwrap();
    let two = queue.claim(Most { entries: 2, bytes: 1 << 20 }).await.unwrap().unwrap();
    let dead_letter = Rejected::dead_letter(refused(9).id, &two.entries[0].item, "the reason");
    queue.bury(two.entries[0].seq, dead_letter).await.unwrap();
    queue.refuse(vec![refused(1), refused(2)]);
    queue.probe().await.unwrap();
    for claim in claim_rejected(&queue).await {
        queue.ack_rejected(claim).await.unwrap();
    }
    let left = queue.depth().await.unwrap();
    assert_eq!((left.events, left.bytes, left.rejected), (2, 2 * event(0).size() as u64, 0));
    queue.ack(two).await.unwrap();
    queue.ack(claim(&queue).await).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().bytes, 0);
}

async fn who_sent_an_event_is_kept_over_a_restart(backend: impl Backend) {
    let (shop, blog) = (application(3, "shop"), application(u32::MAX, "ein 'Blog' é"));
    let addresses = [None, Some("192.0.2.7"), Some("2001:db8::1"), Some("::ffff:192.0.2.7")];
    let senders = [None, shop.as_ref(), blog.as_ref()];
    let senders = senders.into_iter().flat_map(|sender| addresses.map(|address| (sender, address)));
    let sent: Vec<NewEvent> = (0..)
        .zip(senders)
        .map(|(number, (sender, address))| {
            new_event_from(number, sender, address.map(|address| address.parse().unwrap()))
        })
        .collect();
    let expected: Vec<Event> = sent.iter().map(|event| event.event().clone()).collect();
    let rows = [
        Rejected { application: shop.clone(), ..refused(1) },
        Rejected::dead_letter(refused(2).id, &Event { application: blog.clone(), ..event(2) }, "the reason"),
        refused(3),
    ];
    let queue = backend.open(WIDE);
    queue.enqueue(sent).await.unwrap();
    queue.refuse(rows.to_vec());
    let before = queue.probe().await.map(|_| ()).and(queue.depth().await).unwrap();
    assert_eq!(before.bytes, expected.iter().map(Event::size).sum::<usize>() as u64);
    drop(queue);
    let queue = backend.open(WIDE);
    assert_eq!(queue.depth().await.unwrap(), before);
    let claim = claim_of_the_dead(&queue).await;
    assert!(claim.entries.iter().map(|entry| &entry.item).eq(&expected));
    let claims = claim_rejected(&queue).await;
    assert!(claims.iter().flat_map(|claim| &claim.entries).map(|entry| &entry.item).eq(&rows));
    // Its body can be sent again: it says nothing that a client may not say.
    assert_eq!(rows[1].application, blog);
    assert!(!String::from_utf8_lossy(&rows[1].body).contains("application"));
    queue.ack(claim).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().bytes, 0);
}
