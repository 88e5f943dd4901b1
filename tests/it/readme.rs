//! The README, pasted: every shell block after the start runs against the real binary, and every
//! setting it names is one.

use std::fs;
use std::path::Path;

use the_eye::access::Key;
use tokio::process::Command;

use crate::support::process::{Process, binary, run};
use crate::support::servers;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The text of each block of that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_runs_when_it_is_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let address = server.base.strip_prefix("http://").unwrap();
    let text = readme();
    let blocks: Vec<_> = blocks(&text, "sh").into_iter().filter(|block| block.contains("curl")).collect();
    assert!(blocks.len() >= 9, "{}", blocks.len());
    // What it calls `the-eye` is this one.
    let programs = Path::new(binary()).parent().unwrap();
    let mut transcript = String::new();
    for block in blocks {
        // The events of one block are read by another; what a person types later comes later.
        let pasted = block.replace("127.0.0.1:8000", address).replace("curl ", "curl -sS ");
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &pasted])
            .current_dir(folder.path())
            .env("PATH", format!("{}:{}", programs.display(), servers::optional_variable("PATH").unwrap_or_default()))
            .output()
            .await
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && stderr.is_empty(), "{pasted}\n{stdout}\n{stderr}");
        transcript.push_str(&stdout);
        let metrics = async || reqwest::get(format!("{}/metrics", server.base)).await.unwrap().text().await.unwrap();
        while !metrics().await.contains("eye_queue_depth 0") {
            tokio::task::yield_now().await;
        }
    }
    for expected in [
        "\"name\":\"page_view\"",
        "HTTP/1.1 201 Created",
        "HTTP/1.1 207 Multi-Status",
        "unknown event type: page_interaction - scroll",
        "preference-applied: wait",
        "HTTP/1.1 400 Bad Request",
        "\"path\": \"/a form\"",
        "{\"status\":\"ok\"}",
        "eye_events_accepted_total",
        "\"application\":\"shop\"",
    ] {
        assert!(transcript.contains(expected), "{expected} in {transcript}");
    }
    assert!(!transcript.contains("\"detail\""), "{transcript}");
    // What it makes keys for prints them once, into a variable.
    let logs = fs::read_dir(folder.path().join("data/logs")).unwrap().map(|entry| entry.unwrap().path());
    let said = logs.map(|path| fs::read_to_string(path).unwrap()).chain([transcript]);
    for text in said {
        let keys = text.match_indices("eye_").filter_map(|(at, _)| Key::parse(text.get(at..at + 54)?));
        assert_eq!(keys.count(), 0, "{text}");
    }
}

#[tokio::test]
async fn settings_are_the_same_in_readme_example_and_help() {
    let folder = tempfile::tempdir().unwrap();
    let mut help = String::new();
    for command in [&["--help"][..], &["erase", "--help"]] {
        help += &String::from_utf8(run(folder.path(), command).await.stdout).unwrap();
    }
    let names = |text: &str| {
        let mut names: Vec<String> = text
            .split(|character: char| !character.is_ascii_uppercase() && character != '_')
            .filter(|word| word.starts_with("EYE_"))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).unwrap();
    assert!(names(&help).len() >= 17, "{help}");
    assert_eq!(names(&readme()), names(&help));
    assert_eq!(names(&example), names(&help));

    // With nothing commented out, the example is what happens without it.
    fs::create_dir(folder.path().join("types")).unwrap();
    let on = example.lines().map(|line| line.strip_prefix("#EYE").map_or(line.to_owned(), |rest| format!("EYE{rest}")));
    fs::write(folder.path().join(".env"), on.collect::<Vec<_>>().join("\n")).unwrap();
    Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await.kill().await;
}
