//! Posts each text as every field that takes one.

use serde_json::{Value, json};

use super::corpus::{corpus, huge};
use crate::support::{TestEye, page_view_with};

/// What has to be seen now.
pub struct Posted {
    /// In the list of events.
    pub accepted: Vec<String>,
    /// In the list of what was refused.
    pub refused: Vec<String>,
    /// How many rows the two have.
    pub rows: usize,
}

/// An event and the texts in it.
struct Sent {
    event: Value,
    texts: Vec<String>,
}

pub async fn post_everything(eye: &TestEye) -> Posted {
    let mut posted = Posted { accepted: Vec::new(), refused: Vec::new(), rows: 0 };
    let mut sent: Vec<Sent> = corpus().iter().flat_map(|text| events_with(text)).collect();
    sent.push(event_of_a_megabyte());
    let batch: Vec<&Value> = sent.iter().map(|sent| &sent.event).collect();
    let answer = eye.post(&json!(batch).to_string()).await.expect(207).json();
    let refused: Vec<u64> =
        answer["results"].as_array().unwrap().iter().map(|row| row["index"].as_u64().unwrap()).collect();
    for (index, Sent { texts, .. }) in (0..).zip(&sent) {
        let list = if refused.contains(&index) { &mut posted.refused } else { &mut posted.accepted };
        list.extend(texts.iter().cloned());
    }
    for text in corpus() {
        let body = format!("{text}//body");
        eye.post(&body).await.expect(400);
        posted.refused.push(body);
    }
    posted.rows = batch.len() + corpus().len();
    eye.drain().await;
    posted
}

/// The text in each field, with the field's name behind it, so that each is looked for by itself.
fn events_with(text: &str) -> Vec<Sent> {
    let named = |field: &str| format!("{text}//{field}");
    let changed = |field: &str| (json!({ field: named(field) }), vec![named(field)]);
    let data = |name: &str, field: &str| {
        let mut data = json!({ "host": "a.example", "path": "/" });
        data[field] = json!(named(field));
        (json!({ "category": "page_interaction", "name": name, "data": data }), vec![named(field)])
    };
    let (key, inner) = (named("key"), named("inner"));
    let form = json!({ text: text, key.clone(): [{ "in": inner }] });
    let submit = json!({
        "session_id": text, "category": "form_interaction", "name": "submit",
        "data": { "host": "a.example", "path": named("path"), "form": form },
    });
    let fields = [
        (submit, vec![text.to_owned(), named("path"), key, inner]),
        data("page_view", "host"),
        data("cta_click", "element"),
        changed("category"),
        changed("name"),
        changed("id"),
        changed("timestamp"),
        (json!({ named("unknown"): text }), vec![named("unknown")]),
    ];
    fields.into_iter().map(|(changes, texts)| Sent { event: page_view_with(&changes), texts }).collect()
}

fn event_of_a_megabyte() -> Sent {
    let data = json!({ "host": "a.example", "path": "/", "form": huge() });
    let changes = json!({ "category": "form_interaction", "name": "submit", "data": data });
    Sent { event: page_view_with(&changes), texts: vec![huge()] }
}
