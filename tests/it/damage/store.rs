//! Damage to `events.db`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use the_eye::event::Event;
use the_eye::store::Store;

use super::harm::{Dice, Harm, With, length};
use super::{EVENTS, When, copy, listed, names_the_way_out, open_store, stored};

const SEEDS: u64 = 150;

/// A store that was closed.
async fn closed(events: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    let all: Vec<Event> = (0..events).map(stored).collect();
    for batch in all.chunks(500) {
        store.insert(batch.into()).await.unwrap();
    }
    drop(store);
    (folder, path)
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum End {
    Refused,
    SeenAtTheFirstTouch,
    AllIsThere,
}

/// Opens a store that may be damaged and asks it for everything.
async fn end(path: &Path, when: When, harm: &[Harm]) -> End {
    if when == When::BeforeTheStart {
        harm.iter().for_each(|harm| harm.to(path));
    }
    let store = match open_store(path) {
        Ok(store) => store,
        Err(problem) => {
            names_the_way_out(path, &problem);
            return End::Refused;
        }
    };
    if when == When::WhileItRuns {
        harm.iter().for_each(|harm| harm.to(path));
    }
    let Ok((events, count)) = listed(&store).await else {
        let problem = store.probe().await.unwrap_err().to_string();
        assert!(problem.contains(&path.display().to_string()) && problem.contains("is damaged"), "{problem}");
        let refused = store.insert(vec![stored(EVENTS)].into()).await;
        assert!(refused.is_err(), "something was written into a damaged file");
        return End::SeenAtTheFirstTouch;
    };
    assert_eq!(count, u64::from(EVENTS), "the count is wrong");
    assert_eq!(events.len(), EVENTS as usize, "events are missing without a word");
    assert!(events.into_iter().eq((0..EVENTS).map(stored)), "an event was altered without a word");
    for number in (0..EVENTS).step_by(101) {
        let event = stored(number);
        // Found by an index, which may be what is damaged.
        let Ok(found) = store.event(event.id, None).await else { return End::SeenAtTheFirstTouch };
        assert_eq!(found, Some(event), "an event is not found, without a word");
    }
    End::AllIsThere
}

#[tokio::test]
async fn no_damage_to_the_file_loses_anything_without_a_word() {
    let (_folder, whole) = closed(EVENTS).await;
    let (_folder, unharmed) = copy(&whole);
    assert_eq!(end(&unharmed, When::BeforeTheStart, &[]).await, End::AllIsThere);
    let mut ends = Vec::new();
    for (seed, when) in (0..SEEDS).flat_map(|seed| [(seed, When::BeforeTheStart), (seed, When::WhileItRuns)]) {
        let (_folder, path) = copy(&whole);
        let harm = Harm::of(&mut Dice::new(seed), length(&path));
        let harmed = std::panic::AssertUnwindSafe(end(&path, when, &harm));
        match futures_util::FutureExt::catch_unwind(harmed).await {
            Ok(end) => ends.push((when, end)),
            Err(_) => panic!("seed {seed}, {when:?}: {harm:?}"),
        }
    }
    let count = |when: When, end: End| ends.iter().filter(|found| **found == (when, end)).count() as u64;
    for when in [When::BeforeTheStart, When::WhileItRuns] {
        let counts = [End::Refused, End::SeenAtTheFirstTouch, End::AllIsThere]
            .map(|end| format!("{end:?} {}", count(when, end)));
        println!("{when:?}: {}", counts.join(", "));
    }
    assert!(count(When::BeforeTheStart, End::Refused) > SEEDS / 2);
    assert!(count(When::WhileItRuns, End::SeenAtTheFirstTouch) > SEEDS / 4);
}

#[tokio::test]
async fn damage_that_the_start_does_not_look_for_is_seen_when_it_is_met() {
    let (_folder, path) = closed(EVENTS).await;
    let store = open_store(&path).unwrap();
    for page in 10..length(&path) / 4096 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(page) }.to(&path);
    }
    listed(&store).await.unwrap_err();
    let problem = store.insert(vec![stored(EVENTS)].into()).await.unwrap_err().to_string();
    assert!(problem.contains("is damaged"), "{problem}");
    drop(store);
    names_the_way_out(&path, &open_store(&path).unwrap_err());
}

/// What SQLite cannot see: a log that is cut or gone is an older database. It has to be one that there was.
#[tokio::test]
async fn a_damaged_log_leaves_an_earlier_state_or_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    for batch in 0..20 {
        let events: Vec<_> = (batch * 50..batch * 50 + 50).map(stored).collect();
        store.insert(events.into()).await.unwrap();
    }
    for seed in 0..60 {
        let (_folder, path) = copy(&path);
        let log = PathBuf::from(format!("{}-wal", path.display()));
        let mut dice = Dice::new(seed);
        match dice.roll(3) {
            0 => std::fs::remove_file(&log).unwrap(),
            1 => Harm::Cut { to: dice.roll(length(&log)) }.to(&log),
            _ => Harm::Overwrite { at: dice.roll(length(&log)), length: 3000, with: With::Noise(seed) }.to(&log),
        }
        let Ok(store) = open_store(&path) else { continue };
        let (events, count) = listed(&store).await.unwrap();
        assert_eq!(events.len() as u64, count, "seed {seed}");
        assert_eq!(count % 50, 0, "seed {seed}: a half of a transaction");
        let number = u32::try_from(count).unwrap();
        assert!(events.into_iter().eq((0..number).map(stored)), "seed {seed}");
    }
}
