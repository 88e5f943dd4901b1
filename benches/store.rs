//! `script/dev-services cargo bench --bench store`: how fast the shared store takes events, beside
//! `psql \copy` of the same rows into a table without an index, in one run.
//!
//! The store's side has everything: session ids made numbers, four indexes, a flush for each batch.
//! Only ratios mean something; the rounds alternate between the two sides.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures and prints"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::{Event, EventKind, Timestamp};
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, PostgresStore, PostgresStoreOptions, Store};

const ROUNDS: usize = 3;
const ROWS: u64 = 2_000_000;

/// What the worker claims at once.
const BATCH: u64 = 20_000;

/// Sessions that go on at the same time, of about ten events each.
const LIVE: u64 = 20_000;

fn main() {
    let url = std::env::var("EYE_TEST_POSTGRES_URL").expect("run this under script/dev-services");
    let psql = Path::new(&std::env::var("EYE_TEST_POSTGRES_BIN").unwrap()).join("psql");
    let psql = |sql: &str| {
        let output = Command::new(&psql).args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, &url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        psql(&format!("CREATE SCHEMA round_{round}"));
        let store = runtime.block_on(insert_all(&format!("{url}?options=-c%20search_path%3Dround_{round}")));
        psql(&format!("\\copy (SELECT * FROM round_{round}.event) TO '{}' (FORMAT csv)", file.display()));
        let size = psql(&format!(
            "SELECT round(sum(pg_total_relation_size(inhrelid)) / {ROWS}) FROM pg_inherits \
             WHERE inhparent = 'round_{round}.event'::regclass"
        ));
        psql(&format!(
            "DROP SCHEMA round_{round} CASCADE; CREATE TABLE bare_{round} (timestamp timestamptz, id uuid, session bigint, kind integer, received_at timestamptz, data text); CHECKPOINT"
        ));
        let start = Instant::now();
        psql(&format!("\\copy bare_{round} FROM '{}' (FORMAT csv)", file.display()));
        let bare = ROWS as f64 / start.elapsed().as_secs_f64();
        psql(&format!("DROP TABLE bare_{round}; CHECKPOINT"));
        ratios.push(store / bare);
        println!(
            "round {round}: \\copy without an index {bare:.0} rows/s, the store {store:.0} ({:.2}), {size} bytes a row",
            store / bare
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{ROWS} rows, batches of {BATCH}: median ratio {:.2} ({:.2} to {:.2})",
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1]
    );
}

/// Inserts everything, batch after batch, and says how many rows a second that was.
async fn insert_all(url: &str) -> f64 {
    let options = PostgresStoreOptions {
        url: url.to_owned(),
        max_refused: 0,
        migrations: Migrations::Apply,
        data_loss: DataLoss::Refuse,
        clock: Clock::System,
    };
    let store = PostgresStore::open(&options, Arc::new(Metrics::new())).await.unwrap();
    let kinds = [("page_interaction", "page_view"), ("page_interaction", "cta_click"), ("form_interaction", "submit")]
        .map(|(category, name)| Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() }));
    let begin = Clock::System.now().as_micros() - 3_600_000_000;
    let mut seconds = 0.0;
    for batch in 0..ROWS / BATCH {
        let events: Arc<[Event]> =
            (batch * BATCH..(batch + 1) * BATCH).map(|number| event(number, begin, &kinds)).collect();
        let start = Instant::now();
        assert_eq!(store.insert(events).await.unwrap().new as u64, BATCH);
        seconds += start.elapsed().as_secs_f64();
    }
    ROWS as f64 / seconds
}

fn event(number: u64, begin: i64, kinds: &[Arc<EventKind>; 3]) -> Event {
    // A session that ends makes room for a new one, and which one goes on is all but random.
    let slot = number.wrapping_mul(7919) % LIVE;
    let session = (number + slot * 9) / (LIVE * 10) * LIVE + slot;
    let received_at = begin + i64::try_from(number).unwrap() * 500;
    Event {
        id: Clock::System.new_id(),
        timestamp: Timestamp::from_micros(received_at - i64::try_from(number * 6007 % 2_000_000).unwrap()).unwrap(),
        received_at: Timestamp::from_micros(received_at).unwrap(),
        session_id: format!("e2085be5-9137-4e4e-80b5-{session:012}"),
        kind: kinds[usize::try_from(number % 3).unwrap()].clone(),
        data: format!(r#"{{"host":"www.example.com","path":"/products/{number}"}}"#),
    }
}
