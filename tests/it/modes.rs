//! What the binary makes, nobody but its owner can read: whatever the umask is, and whoever runs it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::process::Command;

use crate::support::page_view;
use crate::support::process::{Process, binary};

/// The binary with an umask that takes nothing away, as the user of that number where there is one.
fn open_handed(folder: &Path, arguments: &str, user: Option<u32>) -> Command {
    let mut command = Command::new("sh");
    // The program may lie where only root can go.
    let program = folder.join("the-eye");
    if !program.exists() {
        fs::copy(binary(), &program).unwrap();
    }
    command
        .args(["-c", &format!("umask 0; exec ./the-eye {arguments}")])
        .current_dir(folder)
        .env_clear()
        .kill_on_drop(true);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command
}

/// Everything below a folder, and the folder.
fn all(folder: &Path) -> Vec<PathBuf> {
    let inner = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inner = inner.flat_map(|path| if path.is_dir() { all(&path) } else { vec![path] });
    std::iter::once(folder.to_owned()).chain(inner).collect()
}

/// Looks at all of them and says their names.
fn check(folder: &Path, user: Option<u32>) -> Vec<String> {
    let seen = all(folder);
    for path in &seen {
        // What goes while this looks was there as its neighbours are.
        let Ok(found) = fs::symlink_metadata(path) else { continue };
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(found.permissions().mode() & 0o7777, expected, "{}", path.display());
        assert!(user.is_none_or(|user| found.uid() == user), "{} is somebody else's", path.display());
    }
    let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    seen.iter().map(name).collect()
}

async fn post(base: &str, body: String) -> u16 {
    let request = reqwest::Client::new().post(format!("{base}/events")).header("content-type", "application/json");
    request.header("prefer", "wait=30").body(body).send().await.unwrap().status().as_u16()
}

async fn everything(user: Option<u32>) {
    let folder = tempfile::tempdir().unwrap();
    if let Some(user) = user {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).unwrap();
    }
    let data = folder.path().join("a/data");
    let arguments = "serve --listen 127.0.0.1:0 --data-dir a/data";
    let server = Process::listening(open_handed(folder.path(), arguments, user)).await;
    assert_eq!(post(&server.base, page_view().to_string()).await, 201);
    assert_eq!(post(&server.base, json!({}).to_string()).await, 400);
    let names = check(&folder.path().join("a"), user);
    for name in ["queue.db", "queue.db-wal", "queue.db-shm", "events.db", "events.db-wal", "events.db-shm"] {
        assert!(names.contains(&format!("data/{name}")), "{name} is not in {names:?}");
    }
    for name in ["data/logs/server.log", "data/logs/server.lock", "data/queue.api.lock", "data/queue.worker.lock"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    // A row that is no event: whoever reads it leaves a mark.
    let database = rusqlite::Connection::open(data.join("events.db")).unwrap();
    database.execute("UPDATE event SET data = 'none'", []).unwrap();
    drop(database);
    assert_eq!(reqwest::get(format!("{}/events", server.base)).await.unwrap().status(), 503);
    assert!(check(&data, user).contains(&"events.db.damaged".to_owned()));
    server.terminate().await;
    server.exit_code().await;

    let mut rescue = open_handed(folder.path(), "rescue a/data/queue.db a/rescued.db", user);
    assert!(rescue.status().await.unwrap().success());
    assert!(check(&folder.path().join("a"), user).contains(&"rescued.db".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_their_owners_whatever_the_umask_is() {
    everything(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_user_can_run_it() {
    // Only root can become somebody else; where the tests are not root's, they are themselves run by any user.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    everything(is_root.then_some(65_534)).await;
}
