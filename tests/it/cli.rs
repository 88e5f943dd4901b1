//! The command line: what it says and how it ends.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::page_view;
use crate::support::process::{Process, run};

/// Checks that a command ends at once, with that code and one line that has those words.
async fn fails(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let Output { status, stderr, stdout } = run(folder, arguments).await;
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stdout.is_empty());
    for word in words {
        assert!(stderr.contains(word), "{word} in {stderr}");
    }
}

/// The same, where it is our own line and not the option parser's.
async fn fails_in_one_line(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    fails(folder, arguments, code, words).await;
    let stderr = String::from_utf8(run(folder, arguments).await.stderr).unwrap();
    assert!(stderr.starts_with("the-eye: ") && stderr.lines().count() == 1, "{stderr}");
}

async fn post(base: &str, event: &Value, prefer: &str) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("{base}/events")).header("prefer", prefer);
    request.header("content-type", "application/json").body(event.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn help_and_version_go_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let help = String::from_utf8(run(folder.path(), &["--help"]).await.stdout).unwrap();
    for word in ["Usage: the-eye", "serve", "worker", "migrate", "--listen", "EYE_LISTEN", "127.0.0.1:8000", "16MiB"] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let version = String::from_utf8(run(folder.path(), &["--version"]).await.stdout).unwrap();
    assert_eq!(version, format!("the-eye {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[tokio::test]
async fn what_the_catalog_knows_by_now_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let old = Process::start(path, &["--listen", "127.0.0.1:0"]).await;
    let mut event = page_view();
    event["name"] = "scroll".into();
    event["data"] = json!({ "depth": 7 });
    for _ in 0..250 {
        assert_eq!(post(&old.base, &event, "").await.status(), 400);
    }
    assert_eq!(post(&old.base, &json!({}), "").await.status(), 400);
    old.terminate().await;
    assert_eq!(old.exit_code().await, Some(0));

    let kind = json!({
        "category": "page_interaction", "name": "scroll", "title": "Scrolled",
        "example": { "depth": 1 }, "data": { "type": "object", "properties": { "depth": { "type": "integer" } } },
    });
    fs::create_dir(path.join("types")).unwrap();
    fs::write(path.join("types/scroll.json"), kind.to_string()).unwrap();
    let new = Process::start(path, &["--listen", "127.0.0.1:0", "--catalog", "types"]).await;
    let replay = async |more: &[&str]| run(path, &[&["replay", "--url", &new.base], more].concat()).await;
    let found = replay(&["--reason", "unknown_event_type"]).await;
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(String::from_utf8(found.stdout).unwrap(), "250 taken in, 0 still not valid\n");
    let rest = String::from_utf8(replay(&[]).await.stdout).unwrap();
    assert!(rest.ends_with("0 taken in, 1 still not valid\n") && rest.contains("This field is required."), "{rest}");
    crate::support::load::drained(&new.base).await;
    let stored = reqwest::get(format!("{}/events?name=scroll", new.base)).await.unwrap().text().await.unwrap();
    assert!(stored.starts_with("{\"count\":250,"), "{stored}");
    let nowhere = run(path, &["replay", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(nowhere.status.code(), Some(1));
}

#[tokio::test]
async fn a_bad_setting_is_named_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fails(path, &["--database-url", "mysql://me:secret@host/db"], 2, &["--database-url", "sqlite:"]).await;
    fails(path, &["--queue-url", "amqp://host"], 2, &["--queue-url", "sqlite:", "redis://"]).await;
    fails_in_one_line(path, &["--queue-url", "redis://me:secret@host?wrong=1"], 2, &["EYE_QUEUE_URL", "prefix"]).await;
    fails_in_one_line(
        path,
        &["--database-url", "postgres://me:secret@host?wrong=1"],
        2,
        &["EYE_DATABASE_URL", "wrong"],
    )
    .await;
    fails(path, &["--page-size", "0"], 2, &["--page-size", "1..=1000"]).await;
    fails(path, &["--max-body", "many"], 2, &["--max-body", "16MiB"]).await;
    fails(path, &["--clock-tolerance", "soon"], 2, &["--clock-tolerance", "500ms"]).await;
    fails(path, &["--queue-url", "sqlite::memory:"], 2, &["--queue-url", "not kept"]).await;
    fails(path, &["--listen", "127.0.0.1:9", "worker"], 2, &["cannot be used with"]).await;
    fails_in_one_line(path, &["--max-body", "1GiB"], 2, &["EYE_MAX_BODY", "67108864"]).await;
    fails_in_one_line(path, &["--listen", "nonsense"], 2, &["`nonsense`", "127.0.0.1:8000"]).await;
    fails_in_one_line(path, &["--listen", "127.0.0.1:0", "--log", "a=b=c"], 2, &["EYE_LOG"]).await;
    fails_in_one_line(path, &["--listen", "127.0.0.1:0", "--catalog", "nowhere"], 2, &["nowhere"]).await;
    fs::create_dir(path.join("types")).unwrap();
    fs::write(path.join("types/broken.json"), "{\"category\": 1}").unwrap();
    fails_in_one_line(path, &["--listen", "127.0.0.1:0", "--catalog", "types"], 2, &["broken.json", "string"]).await;
    for [flag, value] in [
        ["--database-url", "mysql://me:secret@host/db"],
        ["--database-url", "host=h password=secret"],
        ["--database-url", "postgres://me:pass@secret@host/db"],
        ["--queue-url", "redi://me:secret@host"],
    ] {
        let stderr = String::from_utf8(run(path, &["migrate", flag, value]).await.stderr).unwrap();
        assert!(!stderr.contains("secret") && !stderr.is_empty(), "{stderr}");
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_named_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("file"), "").unwrap();
    fails_in_one_line(path, &["--listen", "127.0.0.1:0", "--data-dir", "file"], 1, &["`file`"]).await;
    fs::create_dir(path.join("broken")).unwrap();
    fs::write(path.join("broken/queue.db"), "this is no database, but it is long enough to look like one".repeat(99))
        .unwrap();
    let broken = ["--listen", "127.0.0.1:0", "--data-dir", "broken"];
    fails_in_one_line(path, &broken, 1, &["broken/queue.db", "not a database"]).await;
    let same = ["--listen", "127.0.0.1:0", "--database-url", "sqlite:x.db", "--queue-url", "sqlite:x.db"];
    fails_in_one_line(path, &same, 1, &["x.db", "no store of The Eye"]).await;
    let fresh = ["serve", "--no-migrate", "--listen", "127.0.0.1:0", "--data-dir", "fresh"];
    fails_in_one_line(path, &fresh, 1, &["fresh/queue.db", "the-eye migrate"]).await;

    let server = Process::start(path, &["--listen", "127.0.0.1:0"]).await;
    let taken = server.base.strip_prefix("http://").unwrap();
    fails_in_one_line(path, &["--listen", taken, "--data-dir", "other"], 1, &[taken, "--listen"]).await;
    assert!(!path.join("other").exists(), "the data was not touched");
    fails_in_one_line(path, &["--listen", "127.0.0.1:0"], 1, &["data/queue.db", "process"]).await;
    fails_in_one_line(path, &["worker"], 1, &["data/queue.db", "as its worker"]).await;
}

#[tokio::test]
async fn settings_come_from_env_files_and_flags_win() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "# a comment\nEYE_PAGE_SIZE=3\nEYE_TIMESTAMP_FORMAT=space\n").unwrap();
    let variables = [("EYE_DATA_DIR", "elsewhere"), ("EYE_PAGE_SIZE", "2")];
    let server = Process::start_with(folder.path(), &["serve", "--listen", "127.0.0.1:0"], &variables).await;
    let events = json!([page_view(), page_view(), page_view()]);
    assert_eq!(post(&server.base, &events, "wait=30").await.status(), 201);
    let page: Value =
        serde_json::from_str(&reqwest::get(format!("{}/events", server.base)).await.unwrap().text().await.unwrap())
            .unwrap();
    assert_eq!(page["results"].as_array().unwrap().len(), 2, "the variable wins over the file");
    assert_eq!(page["results"][0]["timestamp"], "2026-05-01 10:00:00.000000");
    assert!(folder.path().join("elsewhere/events.db").exists());
    fs::write(folder.path().join(".env"), "EYE_PAGE_SIZE=3\nnot a setting: secret\n").unwrap();
    let output = run(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains(".env") && !stderr.contains("secret"), "{stderr}");
}

#[tokio::test]
async fn migrate_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let first = String::from_utf8(run(folder.path(), &["migrate"]).await.stdout).unwrap();
    assert_eq!(first, "data/queue.db: 5 applied\ndata/events.db: 8 applied\n");
    let second = String::from_utf8(run(folder.path(), &["migrate"]).await.stdout).unwrap();
    assert_eq!(second, "data/queue.db: up to date\ndata/events.db: up to date\n");
    let server = Process::start(folder.path(), &["serve", "--no-migrate", "--listen", "127.0.0.1:0"]).await;
    server.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_and_worker_are_processes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let api = Process::start(folder.path(), &["serve", "--no-worker", "--listen", "127.0.0.1:0"]).await;
    let waiting = post(&api.base, &page_view(), "wait=0").await;
    assert_eq!((waiting.status().as_u16(), waiting.headers().get("preference-applied")), (201, None));
    let worker = Process::start(folder.path(), &["worker"]).await;
    let stored = post(&api.base, &page_view(), "wait=30").await;
    assert_eq!(stored.headers()["preference-applied"], "wait");
    let page = reqwest::get(format!("{}/events", api.base)).await.unwrap().text().await.unwrap();
    assert!(page.contains("\"count\":2"), "{page}");
    worker.terminate().await;
    assert_eq!(worker.exit_code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_events_are_in_the_log_escaped_cut_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--log-format", "json", "--log", "debug"];
    let mut server = Process::start(folder.path(), &arguments).await;
    let long = format!("\u{1b}[31m{}", "é".repeat(4000));
    let hostile = json!({ "session_id": long, "category": "x\u{202e}", "name": "y" });
    assert_eq!(post(&server.base, &hostile, "").await.status(), 400);
    let line: Value = serde_json::from_str(&server.line_with(&["an event was refused"]).await).unwrap();
    assert_eq!((&line["level"], &line["reason"]), (&json!("ERROR"), &json!("invalid")));
    let body = line["body"].as_str().unwrap();
    assert!(body.len() <= 4096 + 64 && line["truncated"] == true, "{}", body.len());
    assert!(!body.contains('\u{1b}') && !body.contains('\u{202e}'), "{body}");
    assert_eq!(post(&server.base, &page_view(), "wait=30").await.status(), 201);
    server.line_with(&["a batch was stored"]).await;
    let bad: Vec<_> = (0..500).map(|_| json!({})).collect();
    assert_eq!(post(&server.base, &json!(bad), "").await.status(), 400);
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));

    let log = fs::read_to_string(folder.path().join("data/logs/server.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<_> = lines.iter().filter(|line| line["message"] == "an event was refused").collect();
    assert!((2..=151).contains(&refused.len()), "the rate is limited: {}", refused.len());
    // What was left out is counted, by the next line or by a summary.
    let sum = |key: &str| lines.iter().filter_map(|line| line[key].as_u64()).sum::<u64>();
    assert_eq!(refused.len() as u64 + sum("left_out") + sum("unlogged"), 501);
    assert_eq!((sum("accepted"), sum("refused"), sum("stored")), (1, 501, 1), "in the summaries");
    let stored = lines.iter().find(|line| line["message"] == "a batch was stored").unwrap();
    assert_eq!((&stored["level"], &stored["batch.size"]), (&json!("DEBUG"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn event_types_of_ones_own_are_taken_in_and_found() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("types")).unwrap();
    let file = json!({
        "category": "media", "name": "video play", "aliases": ["videoplay"], "title": "Video started",
        "example": { "seconds": 0 },
        "data": {
            "type": "object", "required": ["seconds"], "additionalProperties": false,
            "properties": { "seconds": { "type": "integer", "minimum": 0 } }
        }
    });
    fs::write(folder.path().join("types/video.json"), file.to_string()).unwrap();
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0", "--catalog", "types"]).await;
    let event = |seconds: Value| {
        json!({
            "session_id": "s", "category": "media", "name": "videoplay", "timestamp": "2026-05-01",
            "data": { "seconds": seconds }
        })
    };
    let created = post(&server.base, &event(json!(3)), "wait=30").await;
    assert_eq!(created.status(), 201);
    assert!(created.text().await.unwrap().contains(r#""name":"video_play""#));
    let refused = post(&server.base, &event(json!(-1)), "").await;
    let errors = refused.text().await.unwrap();
    assert_eq!(errors, r#"{"data":{"seconds":["Ensure this value is greater than or equal to 0."]}}"#);
    for query in ["category=media", "name=videoplay", "name=video%20play"] {
        let page = reqwest::get(format!("{}/events?{query}", server.base)).await.unwrap().text().await.unwrap();
        assert!(page.starts_with("{\"count\":1,"), "{query}: {page}");
    }
}
