//! The house's rules that no lint holds: who may import whom, and how a file begins.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import of ours.
const MAY_IMPORT: [(&str, &[&str]); 16] = [
    ("event", &[]),
    ("access", &["event"]),
    ("clock", &["event"]),
    ("config", &["access", "event"]),
    ("metrics", &[]),
    ("private", &[]),
    ("telemetry", &["private"]),
    ("sqlite", &["event", "private"]),
    ("queue", &["event", "clock", "metrics", "private", "sqlite"]),
    ("store", &["access", "event", "clock", "metrics", "sqlite"]),
    ("worker", &["event", "clock", "metrics", "queue", "store"]),
    ("web", &["access", "event", "clock", "metrics", "queue", "store", "telemetry"]),
    (
        "eye",
        &[
            "access",
            "event",
            "clock",
            "config",
            "metrics",
            "private",
            "queue",
            "store",
            "sqlite",
            "telemetry",
            "worker",
            "web",
        ],
    ),
    ("server", &["access", "clock", "event", "metrics", "eye"]),
    ("cli", &["access", "clock", "config", "event", "eye", "queue", "server", "sqlite", "store", "telemetry"]),
    ("fuzz", &["event", "queue", "web"]),
];

/// Crates that only some modules may name.
const CRATES: [(&str, &[&str]); 15] = [
    ("rusqlite::", &["sqlite", "queue", "store"]),
    ("tokio_postgres::", &["store"]),
    ("deadpool_postgres::", &["store"]),
    ("redis::", &["queue"]),
    ("rustls::", &["queue", "store", "cli"]),
    ("ureq::", &["cli"]),
    ("axum::", &["web", "eye", "server"]),
    ("hyper::", &["server"]),
    ("rustix::", &["sqlite", "server", "cli"]),
    ("tracing_subscriber::", &["telemetry"]),
    ("dotenvy::", &["config"]),
    ("tokio::signal", &["cli"]),
    ("tokio::runtime", &["cli"]),
    ("std::env", &["config"]),
    ("clap::", &["access", "cli", "config", "event"]),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => (),
        }
    }
    found
}

/// The files below `src` with their modules and texts.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let inner = path.strip_prefix(&root).unwrap();
        let module = inner.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        (inner.to_owned(), module, text)
    };
    files(&root).into_iter().map(read).collect()
}

/// The code of a file, without comments and without what is only compiled for its tests, wherever that stands.
fn code(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        let inner = line.trim_start();
        let Some(rest) = inner.strip_prefix("#[cfg(test)]") else {
            kept.push(line);
            continue;
        };
        // The item may stand on the same line, or behind further attributes. It ends with its line, or with a
        // brace as far in as it began.
        let closing = format!("{}}}", &line[..line.len() - inner.len()]);
        let first = match rest.trim() {
            "" => lines.find(|line| !line.trim_start().starts_with("#[")),
            _ => Some(rest),
        };
        if first.is_some_and(|first| !first.ends_with([';', ',', '}'])) {
            lines.find(|line| *line == closing);
        }
    }
    kept.join("\n")
}

#[test]
fn code_behind_what_is_for_tests_is_code() {
    let text = "a\n#[cfg(test)]\npub(super) mod tests;\nb\n    #[cfg(test)]\n    #[inline]\n    fn f() {\n        g();\n    }\n\
                    // c\n    d\n#[cfg(test)] use e;\n#[cfg(test)]\nmod tests {\n    mod inner {\n    }\n}\nh";
    assert_eq!(code(text), "a\nb\n    d\nh");
}

#[test]
fn modules_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for (path, module, text) in sources() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            assert!(["main", "lib"].contains(&module.as_str()), "{module} has no rule");
            continue;
        };
        for part in code(&text).split("crate::").skip(1) {
            let imported: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if imported != module && !allowed.contains(&imported.as_str()) {
                wrong.push(format!("{} imports {imported}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, module, text) in sources() {
        for (name, allowed) in CRATES {
            if code(&text).contains(name) && !allowed.contains(&module.as_str()) {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, _, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not open with //!", path.display());
    }
}

#[test]
fn main_stays_small() {
    let (_, _, main) = sources().into_iter().find(|(path, ..)| path == Path::new("main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
}
