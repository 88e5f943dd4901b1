//! The Eye mounted into another application: the application of `examples/embed.rs`.

use serde_json::Value;
use the_eye::{Access, Eye};

use crate::support::page_view;

#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/embed.rs"]
mod example;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_posts_and_reads_under_its_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let eye = Eye::builder(Access::Open).data_dir(folder.path()).build().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, example::app(&eye)).into_future());

    let http = reqwest::Client::new();
    let post = async || {
        let request = http.post(format!("{base}/eye/events")).header("content-type", "application/json");
        request.body(page_view().to_string()).send().await.unwrap()
    };
    let created = post().await;
    assert_eq!(created.status(), 201);
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with("/eye/events/"), "{location}");
    post().await;
    eye.worker().drain().await;

    let get = async |url: String| reqwest::get(url).await.unwrap().text().await.unwrap();
    let page: Value = serde_json::from_str(&get(format!("{base}/eye/events?page_size=1")).await).unwrap();
    assert_eq!(page["count"], 2);
    let next = page["next"].as_str().unwrap();
    assert_eq!(next, format!("{base}/eye/events?page=2&page_size=1"));
    assert!(get(next.to_owned()).await.contains("\"count\":2"));
    assert!(get(format!("{base}{location}")).await.contains("a-session"));
    let links: Value = serde_json::from_str(&get(format!("{base}/eye")).await).unwrap();
    assert_eq!(links["events"], format!("{base}/eye/events"));
    let html = get(format!("{base}/eye/events?format=html")).await;
    assert!(html.contains("href=\"/eye/assets/the-eye.css?v=") && html.contains("action=\"/eye/events\""), "{html}");
    assert_eq!(get(format!("{base}/")).await, "the host's own page");
}
