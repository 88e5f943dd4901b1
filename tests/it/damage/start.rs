//! What is in the place of a database when a server starts.

use std::fs;
use std::path::Path;

use super::harm::{Harm, With, length};
use super::{copy, names_the_way_out, open_queue, open_store, stored};
use crate::support::process::run;
use the_eye::store::Store;

async fn two_files(folder: &Path) {
    assert!(run(folder, &["migrate"]).await.status.success());
}

#[tokio::test]
async fn a_server_names_the_damaged_file_and_the_way_out_in_one_line() {
    for name in ["queue.db", "events.db"] {
        let folder = tempfile::tempdir().unwrap();
        two_files(folder.path()).await;
        let path = folder.path().join("data").join(name);
        let whole = fs::read(&path).unwrap();
        for harm in [
            Harm::Cut { to: 0 },
            Harm::Cut { to: 1 },
            Harm::Cut { to: 100 },
            Harm::Cut { to: whole.len() as u64 / 2 },
            Harm::Cut { to: whole.len() as u64 - 1 },
            Harm::Overwrite { at: 0, length: 16, with: With::Noughts },
            Harm::Overwrite { at: 0, length: 100, with: With::Noise(1) },
            Harm::Overwrite { at: 4096, length: 4096, with: With::Ones },
        ] {
            fs::write(&path, &whole).unwrap();
            harm.to(&path);
            let harmed = fs::read(&path).unwrap();
            for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["worker"], &["migrate"]] {
                let output = run(folder.path(), command).await;
                let said = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(1), "{harm:?} {command:?}: {said}");
                let lines: Vec<_> = said.lines().filter(|line| line.starts_with("the-eye: ")).collect();
                let [line] = lines[..] else { panic!("{harm:?}: {said}") };
                names_the_way_out(&Path::new("data").join(name), line);
            }
            assert_eq!(fs::read(&path).unwrap(), harmed, "{harm:?}: what can still be saved was changed");
        }
    }
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_left_as_it_is() {
    for name in ["queue.db", "events.db"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let open = |path: &Path| match name {
            "queue.db" => open_queue(path).map(drop),
            _ => open_store(path).map(drop),
        };
        fs::create_dir(&path).unwrap();
        names_the_way_out(&path, &open(&path).unwrap_err());
        fs::remove_dir(&path).unwrap();
        for foreign in [&b"a text"[..], &[0; 8192], &b"\x7fELF".repeat(3000)] {
            fs::write(&path, foreign).unwrap();
            names_the_way_out(&path, &open(&path).unwrap_err());
            assert_eq!(fs::read(&path).unwrap(), foreign);
        }
        fs::remove_file(&path).unwrap();
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
        drop(theirs);
        let before = fs::read(&path).unwrap();
        names_the_way_out(&path, &open(&path).unwrap_err());
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_log_without_its_database_is_no_reason_to_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    store.insert(vec![stored(1)].into()).await.unwrap();
    let (_other, path) = copy(&path);
    fs::remove_file(&path).unwrap();
    let problem = open_store(&path).unwrap_err();
    names_the_way_out(&path, &problem);
    assert!(problem.contains("events.db-wal"), "{problem}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    fs::write(folder.path().join("events.db-journal"), "of another").unwrap();
    let problem = open_store(&path).unwrap_err();
    names_the_way_out(&path, &problem);
    assert!(problem.contains("events.db-journal") && !path.exists(), "{problem}");
}

#[tokio::test]
async fn what_a_crash_left_of_a_file_that_was_being_made_is_made_again() {
    for name in ["queue.db", "events.db"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let open = |path: &Path| match name {
            "queue.db" => open_queue(path).map(drop),
            _ => open_store(path).map(drop),
        };
        open(&path).unwrap();
        let whole = length(&path);
        fs::rename(&path, folder.path().join(format!("{name}.new"))).unwrap();
        for cut in [0, 100, 4096, whole - 1, whole] {
            let new = folder.path().join(format!("{name}.new"));
            if new.exists() {
                Harm::Cut { to: cut }.to(&new);
            } else {
                fs::write(&new, vec![7; usize::try_from(cut).unwrap()]).unwrap();
            }
            fs::write(folder.path().join(format!("{name}.new-wal")), "left").unwrap();
            open(&path).unwrap();
            assert!(!new.exists());
            fs::remove_file(&path).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let open = |number: u32| {
        let path = path.clone();
        tokio::task::spawn(async move {
            let store = open_store(&path).unwrap();
            store.insert(vec![stored(number)].into()).await.unwrap();
        })
    };
    let opened: Vec<_> = (0..8).map(open).collect();
    for one in opened {
        one.await.unwrap();
    }
    let (events, count) = super::listed(&open_store(&path).unwrap()).await.unwrap();
    assert_eq!((events.len(), count), (8, 8));
}
