//! The way out of damage: what can still be read, in a new file.

use std::fs;
use std::path::PathBuf;

use the_eye::event::{Event, NewEvent, Rejected};
use the_eye::queue::{Most, Queue};
use the_eye::store::{Filter, Order, Position, Query, Start, Store};

use super::harm::{Dice, Harm, With, length};
use super::{EVENTS, copy, listed, open_queue, open_store, stored};
use crate::support::events::{application, new_event_from, new_events, refused};
use crate::support::process::{binary, run};

#[tokio::test]
async fn a_store_is_rescued_but_for_the_damaged_pages_and_counts_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    for batch in (0..EVENTS).collect::<Vec<_>>().chunks(500) {
        store.insert(batch.iter().map(|number| stored(*number)).collect()).await.unwrap();
    }
    drop(store);
    let mut saved = Vec::new();
    for seed in 0..25 {
        let (folder, path) = copy(&path);
        let mut dice = Dice::new(seed);
        // The first page has the names of all tables.
        let page = 1 + dice.roll(length(&path) / 4096 - 1);
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(seed) }.to(&path);
        let harmed = fs::read(&path).unwrap();
        let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(&path).unwrap(), harmed);
        let new = open_store(&folder.path().join("new.db")).unwrap();
        let (events, count) = listed(&new).await.unwrap();
        assert_eq!(events.len() as u64, count, "seed {seed}");
        for event in &events {
            let number = u32::try_from(event.id.as_u128() >> 64).unwrap();
            let whole = stored(number);
            let lost = event.session_id.starts_with("lost session ") || event.kind.category == "lost";
            let found = Event { session_id: whole.session_id.clone(), kind: whole.kind.clone(), ..event.clone() };
            assert_eq!(found, whole, "seed {seed}");
            assert!(lost || *event == whole, "seed {seed}");
        }
        new.insert(vec![stored(EVENTS)].into()).await.unwrap();
        saved.push(count);
    }
    saved.sort_unstable();
    println!("saved of {EVENTS}: {saved:?}");
    assert!(saved[saved.len() / 2] > u64::from(EVENTS) * 9 / 10, "{saved:?}");
}

#[tokio::test]
async fn a_queue_is_rescued_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = open_queue(&path).unwrap();
    for start in (0..3000).step_by(100) {
        queue.enqueue(new_events(start..start + 100)).await.unwrap();
    }
    drop(queue);
    let page = length(&path) / 4096 / 2;
    Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noughts }.to(&path);
    open_queue(&path).map(drop).unwrap_err();
    let output = run(folder.path(), &["rescue", "queue.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queue = open_queue(&folder.path().join("new.db")).unwrap();
    let depth = queue.depth().await.unwrap();
    assert!((2000..3000).contains(&depth.events), "{depth:?}");
    let all: Vec<_> = new_events(0..3000).into_iter().map(NewEvent::into_event).collect();
    let mut found = 0;
    while let Some(mut claim) = queue.claim(Most { entries: 10_000, bytes: 1 << 24 }).await.unwrap() {
        found += claim.entries.len() as u64;
        assert!(claim.entries.drain(..).all(|entry| all.contains(&entry.item)));
        queue.ack(claim).await.unwrap();
    }
    assert_eq!(found, depth.events);
    assert_eq!(queue.depth().await.unwrap().bytes, 0);
    queue.enqueue(new_events(0..1)).await.unwrap();
}

#[tokio::test]
async fn rescue_touches_nothing_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_store(&folder.path().join("events.db")).unwrap());
    fs::write(folder.path().join("there.db"), "mine").unwrap();
    fs::write(folder.path().join("text"), "no database").unwrap();
    fs::write(folder.path().join("logged.db-wal"), "of another").unwrap();
    for (old, new, said) in [
        ("events.db", "there.db", "name a file that is not"),
        ("events.db", "logged.db", "its log `logged.db-wal` is"),
        ("text", "new.db", "file is not a database"),
        ("nowhere.db", "new.db", "unable to open"),
    ] {
        let output = run(folder.path(), &["rescue", old, new]).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr.contains(said)
                && stderr.contains(if said.contains("name") || said.contains("log") { new } else { old }),
            "{stderr}"
        );
    }
    assert_eq!(fs::read(folder.path().join("there.db")).unwrap(), b"mine");
    assert_eq!(fs::read(folder.path().join("logged.db-wal")).unwrap(), b"of another");
    assert!(!folder.path().join("new.db").exists() && !folder.path().join("logged.db").exists());
}

/// A file that another program put together of what it could read, as sqlite3's `.recover` does, is in no log mode.
#[tokio::test]
async fn what_another_program_saved_is_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    store.insert((0..2000).map(stored).collect()).await.unwrap();
    drop(store);
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = DELETE; DELETE FROM event WHERE timestamp % 3 = 0; DELETE FROM kind")
        .unwrap();
    drop(other);
    let (events, count) = listed(&open_store(&path).unwrap()).await.unwrap();
    assert_eq!(events.len() as u64, count);
    assert!((1000..2000).contains(&count) && events.iter().all(|event| event.kind.category == "lost"));
}

/// A closed store of 4,000 events.
async fn closed() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    store.insert((0..EVENTS).map(stored).collect()).await.unwrap();
    drop(store);
    (folder, path)
}

#[tokio::test]
async fn a_damaged_first_page_of_a_table_costs_what_is_on_it() {
    let (folder, path) = closed().await;
    let bytes = fs::read(&path).unwrap();
    let holds_the_first = |page: &&[u8]| page.windows(10).any(|window| window == br#""path":"/0"#);
    let first = bytes.chunks(4096).position(|page| holds_the_first(&page)).unwrap();
    Harm::Overwrite { at: first as u64 * 4096, length: 4096, with: With::Noughts }.to(&path);
    let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (events, _) = listed(&open_store(&folder.path().join("new.db")).unwrap()).await.unwrap();
    let lost = EVENTS as usize - events.len();
    assert!((1..100).contains(&lost), "{lost} events are lost with one page");
    assert!(events.into_iter().eq((u32::try_from(lost).unwrap()..EVENTS).map(stored)));
}

#[tokio::test]
async fn a_row_that_could_not_be_read_again_is_left_out_and_counted() {
    let (folder, path) = closed().await;
    let change = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let start = stored(0).timestamp.as_micros();
    for (number, change_to) in [(7, "data = 'none'"), (8, "received_at = 9223372036854775807"), (9, "data = '{'")] {
        assert_eq!(change(&format!("UPDATE event SET {change_to} WHERE timestamp = {}", start + number)), 1);
    }
    assert_eq!(change(&format!("UPDATE event SET id = x'00' WHERE timestamp = {}", start + 10)), 1);
    let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("event: 3996 rows; at 4 places some may be missing"), "{said}");
    let (events, count) = listed(&open_store(&folder.path().join("new.db")).unwrap()).await.unwrap();
    assert_eq!(count, 3996);
    assert!(events.into_iter().eq((0..7).chain(11..EVENTS).map(stored)));
}

#[tokio::test]
async fn a_rescue_that_ends_halfway_leaves_nothing_under_the_new_name() {
    let (folder, path) = closed().await;
    assert!(length(&path) > 800 * 1024);
    let sees = |name: &str| folder.path().join(name).exists();
    // Room for an empty database, and not for the events; a shell counts in blocks of 512 bytes or of 1,024.
    let script = format!("ulimit -f 400; exec '{}' rescue events.db new.db", binary());
    let output = tokio::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().await;
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!sees("new.db") && !sees("new.db.new") && !sees("new.db.new-wal"));
    let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
    assert!(output.status.success() && sees("new.db") && !sees("new.db.new"));
}

#[tokio::test]
async fn a_lost_session_gets_a_name_that_no_client_has_used() {
    let (_folder, path) = closed().await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "PRAGMA journal_mode = DELETE; DELETE FROM session WHERE number = 2; DELETE FROM kind; \
             UPDATE session SET session_id = 'lost session 2' WHERE number = 1; \
             INSERT INTO kind VALUES (77, 0, 'lost', 'lost kind 1')",
        )
        .unwrap();
    drop(other);
    let (events, count) = listed(&open_store(&path).unwrap()).await.unwrap();
    assert_eq!((events.len() as u64, count), (u64::from(EVENTS), u64::from(EVENTS)));
    let of = |session: &str| events.iter().filter(|event| event.session_id == session).count();
    assert!(of("lost session 2") > 0 && of("lost session 2 (2)") > 0);
    assert!(events.iter().all(|event| &*event.kind.name == "lost kind 1 (2)"));
}

#[tokio::test]
async fn applications_are_rescued_and_lost_ones_get_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    let name = |number: u32| format!("app-{number}");
    let sent = |number: u32| Event {
        application: application(number % 3 + 1, &name(number % 3 + 1)),
        address: number.is_multiple_of(2).then(|| "192.0.2.7".parse().unwrap()),
        ..stored(number / 2)
    };
    store.insert((0..3000).map(sent).collect()).await.unwrap();
    let rejected = |number: u32| Rejected { application: application(number, &name(number)), ..refused(number) };
    store.insert_rejected([rejected(1), rejected(4)].into()).await.unwrap();
    drop(store);
    let change = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    // The names of two, the kinds of one of them, and the name of one that has sent nothing but a rejected event.
    change(
        "DELETE FROM application WHERE number IN (2, 3, 4); DELETE FROM kind WHERE application = 3; \
         UPDATE application SET name = 'lost application 2'",
    );
    let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let store = open_store(&folder.path().join("new.db")).unwrap();
    let (events, count) = listed(&store).await.unwrap();
    assert_eq!((events.len(), count), (3000, 3000));
    let names = [(1, "lost application 2"), (2, "lost application 2 (2)"), (3, "lost application 3")];
    for event in &events {
        let said = event.application.as_ref().unwrap();
        assert!(names.contains(&(said.number.get(), said.name.as_str())), "{said:?}");
        assert_eq!(event.kind.category == "lost", said.number.get() == 3);
    }
    let mut expected: Vec<Event> = (0..3000).map(sent).collect();
    expected.sort_by_key(|event| Position::from(event));
    assert!(events.iter().map(Position::from).eq(expected.iter().map(Position::from)));
    assert!(events.iter().map(|event| event.address).eq(expected.iter().map(|event| event.address)));
    for (number, name) in names {
        let filter = Filter { application: Some(name.to_owned()), ..Filter::default() };
        let query = Query { filter, order: Order::Ascending, start: Start::LastPage, size: 10 };
        assert_eq!(store.events(query).await.unwrap().unwrap().count, 1000, "{number}");
    }
    let row = store.rejected_by_id(rejected(4).id).await.unwrap().unwrap();
    assert_eq!(row.application, application(4, "lost application 4"));
}

#[tokio::test]
async fn who_sent_what_waits_in_a_queue_is_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let shop = application(7, "shop");
    let address = Some("2001:db8::1".parse().unwrap());
    let sent: Vec<_> = (0..10).map(|number| new_event_from(number, shop.as_ref(), address)).collect();
    let expected: Vec<Event> = sent.iter().map(|event| event.event().clone()).collect();
    let queue = open_queue(&path).unwrap();
    queue.enqueue(sent).await.unwrap();
    queue.refuse(vec![Rejected { application: shop.clone(), ..refused(1) }]);
    queue.probe().await.unwrap();
    drop(queue);
    let output = run(folder.path(), &["rescue", "queue.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queue = open_queue(&folder.path().join("new.db")).unwrap();
    let most = Most { entries: 100, bytes: 1 << 20 };
    let claim = queue.claim(most).await.unwrap().unwrap();
    assert!(claim.entries.iter().map(|entry| &entry.item).eq(&expected));
    let rejected = queue.claim_rejected(most).await.unwrap().unwrap();
    assert_eq!(rejected.entries[0].item.application, shop);
}
