//! What every view shows of applications, and the filter by them.

use serde_json::json;
use the_eye::event::{Event, Rejected};

use crate::support::TestEye;
use crate::support::events::{application, event, refused};
use crate::support::stores::store_of;
use crate::support::stream::Stream;

/// Two applications and nobody, who all send the same ids and times in the same sessions.
async fn mixed() -> TestEye {
    let eye = TestEye::start().await;
    let store = store_of(&eye).await;
    let senders = [None, application(1, "shop"), application(2, "a&b")];
    let sent = |number: u32| {
        let address = (number == 3).then(|| "192.0.2.0".parse().unwrap());
        senders.clone().map(|application| Event { application, address, ..event(number) })
    };
    store.insert((0..10).flat_map(sent).collect()).await.unwrap();
    let row = |number: u32| Rejected { application: senders[number as usize % 3].clone(), ..refused(number) };
    store.insert_rejected((0..9).map(row).collect()).await.unwrap();
    eye
}

#[tokio::test]
async fn events_say_who_sent_them_and_are_filtered_by_it() {
    let eye = mixed().await;
    let rows = async |query: &str| eye.get(&format!("/events?{query}")).await.expect(200).json();
    assert_eq!((rows("").await["count"].clone(), rows("application=").await["count"].clone()), (json!(30), json!(30)));
    for (query, count) in [("application=shop", 10), ("application=a%26b", 10), ("application=nobody", 0)] {
        assert_eq!(rows(query).await["count"], count, "{query}");
    }
    assert_eq!(rows("application=shop&session_id=session-1").await["count"], 2);
    let raw = eye.get("/events?application=shop&start_time=2026-01-01T00:00:00.000003&page_size=1&order=asc").await;
    assert!(raw.text.contains(r#""application":"shop","address":"192.0.2.0"}]"#), "as the last keys: {}", raw.text);
    let plain = eye.get("/events?page_size=1000").await.json()["results"].as_array().unwrap().clone();
    assert_eq!(plain.iter().filter(|row| row.get("application").is_none()).count(), 10);
    // On by cursor, which holds the filter and where among equals it is.
    let (mut found, mut path) = (Vec::new(), "/events?page_size=1".to_owned());
    loop {
        let page = eye.get(&path).await.expect(200).json();
        found.extend(page["results"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/events?page_size=1&cursor={cursor}");
    }
    assert_eq!(found, plain);
    let first = rows("application=a%26b&page_size=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(rows(&format!("cursor={cursor}&application=a%26b")).await["results"].as_array().unwrap().len(), 7);
    let contradiction = eye.get(&format!("/events?cursor={cursor}&application=shop")).await.expect(400).json();
    assert_eq!(contradiction, json!({ "application": ["This contradicts the cursor."] }));
}

#[tokio::test]
async fn a_cursor_of_before_goes_on() {
    use base64::Engine;
    let eye = mixed().await;
    let third = event(3);
    let token = json!({
        "list": "events", "ascending": true, "time": third.timestamp.as_micros(), "id": third.id,
        "session_id": third.session_id,
    });
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.to_string());
    // It is behind the event of nobody: those of applications come next.
    let page = eye.get(&format!("/events?cursor={token}")).await.expect(200).json();
    let senders: Vec<_> = page["results"].as_array().unwrap().iter().map(|row| row["application"].clone()).collect();
    assert_eq!(senders, [json!("shop"), json!("a&b")]);
}

#[tokio::test]
async fn every_other_view_is_filtered_too() {
    let eye = mixed().await;
    let get = async |path: &str| eye.get(path).await.expect(200).json();
    let rejected = get("/rejected?application=shop").await;
    assert_eq!(rejected["count"], 3);
    assert!(rejected["results"].as_array().unwrap().iter().all(|row| row["application"] == "shop"));
    assert!(get("/rejected").await["results"].as_array().unwrap().iter().any(|row| row.get("application").is_none()));

    let sessions = get("/sessions?application=shop&page_size=100").await;
    let events: u64 = sessions["results"].as_array().unwrap().iter().map(|row| row["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 10);
    let session = get("/sessions/session-1?application=a%26b").await;
    assert_eq!((&session["events"], &session["count"]), (&json!(2), &json!(2)));
    let neighbour = session["newer_session"].as_str().unwrap();
    assert!(neighbour.ends_with("/sessions/session-2?application=a%26b"), "{neighbour}");
    eye.get("/sessions/session-1?application=nobody").await.expect(404);
    assert_eq!(get("/sessions?application=nobody").await["results"], json!([]));

    let times = "start_time=2026-01-01&end_time=2026-01-02";
    let stats = get(&format!("/stats?{times}&application=shop")).await;
    let refused: u64 = stats["rejected"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert_eq!((&stats["count"], &stats["sessions"]["count"], refused), (&json!(10), &json!(7), 3));
    let groups = get(&format!("/stats?{times}")).await["groups"]["values"].clone();
    assert_eq!(groups, json!([{ "value": "page_interaction - page_view", "count": 30 }]), "one kind is one group");

    let store = store_of(&eye).await;
    let place = store.newest_place().await.unwrap();
    let sent = |number: u32, name: &str, sender: u32| Event { application: application(sender, name), ..event(number) };
    store.insert([sent(50, "a&b", 2), event(51), sent(52, "shop", 1)].into()).await.unwrap();
    let url = format!("{}/live?application=shop&last_event_id={place}", eye.base);
    let told = Stream::open(&url, None).await.take(1).await.remove(0);
    assert_eq!((&told.data["application"], &told.data["id"]), (&json!("shop"), &json!(event(52).id)));
}

#[tokio::test]
async fn pages_have_the_filter_and_lead_on_with_it() {
    let eye = mixed().await;
    let html = async |path: &str| eye.get(&format!("{path}format=html")).await.expect(200).text;
    for path in ["/events?", "/sessions?", "/rejected?", "/live?", "/?"] {
        assert!(html(path).await.contains(r#"name="application""#), "the form of {path}");
    }
    let sessions = html("/sessions?application=a%26b&").await;
    assert!(sessions.contains("/sessions/session-1?application=a%26b"), "{sessions}");
    let session = html("/sessions/session-1?application=shop&").await;
    assert!(session.contains("/events?session_id=session-1&#38;order=asc&#38;application=shop"), "{session}");
    let overview = html("/?start_time=2026-01-01&end_time=2026-01-02&application=shop&").await;
    assert!(overview.contains("application=shop"), "{overview}");
}
