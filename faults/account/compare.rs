//! What was told, held against what is there.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::event::{Sent, hash, number};
use super::ledger::Ledger;

/// How the two differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Verdict {
    /// Different events that were acknowledged as durable.
    pub acknowledged: u64,
    /// Acknowledged, and neither stored nor a dead letter.
    pub lost: u64,
    /// Rows of an event that has one already.
    pub duplicates: u64,
    /// Stored, though refused or never sent.
    pub phantoms: u64,
    /// Stored otherwise than sent.
    pub altered: u64,
    /// Rows that are listed before a newer one.
    pub unordered: u64,
}

/// Which answers count as a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// A 201.
    Durable,
    /// A 202 too: for controls, which have to lose what was not flushed.
    Any,
}

/// A page of the list of events, or of rejected ones.
#[derive(Deserialize)]
struct Page<T> {
    count: u64,
    next_cursor: Option<String>,
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Stored {
    id: Uuid,
    session_id: String,
    category: String,
    name: String,
    timestamp: String,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct Rejected {
    kind: String,
    body: String,
}

#[derive(Deserialize)]
struct WithId {
    id: Uuid,
}

impl Verdict {
    /// Reads all that a server lists, which has to have stored everything.
    pub async fn of(ledger: &Ledger, base: &str, promise: Promise) -> Self {
        let mut verdict = Self::default();
        let mut stored: HashMap<u64, u64> = HashMap::new();
        let mut before = String::from("9999");
        let (mut rows, mut count) = (0, 0);
        pages(base, "events", |page: Page<Stored>| {
            count = page.count;
            for Stored { id, session_id, category, name, timestamp, data } in page.results {
                rows += 1;
                verdict.unordered += u64::from(timestamp > before);
                let hash = hash(&[&session_id, &category, &name, &timestamp, data.get()]);
                before = timestamp;
                match number(id).filter(|number| ledger.knows(*number)) {
                    Some(number) => verdict.duplicates += u64::from(stored.insert(number, hash).is_some()),
                    None => verdict.phantoms += 1,
                }
            }
        })
        .await;
        assert_eq!(rows, count, "the count that a list gives is that of its rows");
        let mut acknowledged: HashMap<u64, u64> = HashMap::new();
        for line in ledger.lines() {
            match line.status {
                201 => drop(acknowledged.insert(line.number, line.hash)),
                202 if promise == Promise::Any => drop(acknowledged.insert(line.number, line.hash)),
                400 => verdict.phantoms += u64::from(stored.contains_key(&line.number)),
                _ => (),
            }
        }
        verdict.acknowledged = acknowledged.len() as u64;
        // What nobody was told of may be stored, but not otherwise than it was sent.
        let sent = |number: &u64| acknowledged.get(number).copied().unwrap_or_else(|| Sent::new(*number).hash);
        verdict.altered = stored.iter().filter(|(number, hash)| sent(number) != **hash).count() as u64;
        acknowledged.retain(|number, _| !stored.contains_key(number));
        if !acknowledged.is_empty() {
            pages(base, "rejected", |page: Page<Rejected>| {
                for Rejected { kind, body } in page.results {
                    if let (true, Ok(WithId { id })) = (kind == "dead_letter", serde_json::from_str(&body)) {
                        number(id).map(|number| acknowledged.remove(&number));
                    }
                }
            })
            .await;
        }
        verdict.lost = acknowledged.len() as u64;
        verdict
    }

    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicates + self.phantoms + self.altered + self.unordered == 0
    }
}

async fn pages<T: for<'a> Deserialize<'a>>(base: &str, list: &str, mut each: impl FnMut(Page<T>)) {
    let mut cursor = String::new();
    loop {
        let url = format!("{base}/{list}?page_size=1000{cursor}");
        let answer = reqwest::get(url).await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{text:.300}");
        let page: Page<T> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:.300}"));
        let next = page.next_cursor.clone();
        each(page);
        let Some(next) = next else { return };
        cursor = format!("&cursor={next}");
    }
}
