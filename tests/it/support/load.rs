//! What is stored in the end, as a server lists it.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

/// Waits until a server has nothing more to store.
pub async fn drained(base: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        if let Ok(answer) = reqwest::get(format!("{base}/metrics")).await {
            let text = answer.text().await.unwrap_or_default();
            if text.contains("\neye_queue_depth 0\n") {
                return;
            }
        }
        looks.tick().await;
    }
}

/// All stored events: their ids and sessions, in the order of the list.
pub async fn stored(base: &str) -> Vec<(Uuid, String)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let url = format!("{base}/events?page_size=1000{cursor}");
        let page: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        for event in page["results"].as_array().unwrap() {
            found.push((
                event["id"].as_str().unwrap().parse().unwrap(),
                event["session_id"].as_str().unwrap().to_owned(),
            ));
        }
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}
