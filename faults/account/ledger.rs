//! The account: a line for each event and answer, appended to a file.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use the_eye::clock::Stopwatch;

use super::event::Sent;

/// How often the counts are looked at by who waits.
const LOOK: Duration = Duration::from_millis(1);

/// What clients were told.
pub struct Ledger {
    path: PathBuf,
    file: Mutex<BufWriter<File>>,
    numbers: AtomicU64,
    /// Requests with a verdict.
    answers: AtomicU64,
    /// Events that were acknowledged as durable, each time.
    acknowledged: AtomicU64,
    /// Requests that were answered with 202.
    at_risk: AtomicU64,
    /// Requests that were answered with 503 and a `Retry-After`.
    busy: AtomicU64,
    /// Requests that nobody listened to.
    refused: AtomicU64,
    /// Requests that were begun and not answered.
    unanswered: AtomicU64,
    /// Answers that should not be.
    odd: Mutex<Vec<String>>,
    /// Whether the power is off: what answers all the same promises nothing.
    dark: AtomicBool,
}

/// Of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    On,
    Off,
}

/// One line of it.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub status: u16,
    pub number: u64,
    pub hash: u64,
}

/// How many requests were answered, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    pub verdicts: u64,
    pub acknowledged: u64,
    pub at_risk: u64,
    pub busy: u64,
    pub unanswered: u64,
}

impl Ledger {
    pub fn new(path: PathBuf) -> Self {
        let file = Mutex::new(BufWriter::new(File::create(&path).unwrap()));
        let zero = AtomicU64::default;
        Self {
            path,
            file,
            numbers: zero(),
            answers: zero(),
            acknowledged: zero(),
            at_risk: zero(),
            busy: zero(),
            refused: zero(),
            unanswered: zero(),
            odd: Mutex::default(),
            dark: AtomicBool::new(false),
        }
    }

    /// A number that no event has yet.
    pub(super) fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether an event with that number was ever made.
    pub(super) fn knows(&self, number: u64) -> bool {
        (1..=self.numbers.load(Ordering::Relaxed)).contains(&number)
    }

    /// From here until the power is on again no answer counts. The rig cannot stop all programs in one instant with
    /// the disk, and a flush that is under way may seem to end well on a disk that is no more.
    pub fn power(&self, power: Power) {
        let _no_line_is_half_written = self.file.lock().unwrap();
        self.dark.store(power == Power::Off, Ordering::Relaxed);
    }

    /// Writes down an answer.
    pub(super) fn note(&self, answers: &[(u16, &Sent)]) {
        let mut file = self.file.lock().unwrap();
        let dark = self.dark.load(Ordering::Relaxed);
        for (status, event) in answers {
            let status = if dark { 0 } else { *status };
            writeln!(file, "{status} {} {:x}", event.number, event.hash).unwrap();
        }
        file.flush().unwrap();
        drop(file);
        let count = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count() as u64;
        self.acknowledged.fetch_add(count(201), Ordering::Relaxed);
        self.at_risk.fetch_add(count(202).min(1), Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_broken(&self, error: &reqwest::Error) {
        let counter = if error.is_connect() { &self.refused } else { &self.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_odd(&self, answer: String) {
        self.odd.lock().unwrap().push(answer);
    }

    /// The first answers that should not be.
    pub fn odd(&self) -> Vec<String> {
        self.odd.lock().unwrap().iter().take(5).cloned().collect()
    }

    pub fn answered(&self) -> Answered {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Answered {
            verdicts: read(&self.answers),
            acknowledged: read(&self.acknowledged),
            at_risk: read(&self.at_risk),
            busy: read(&self.busy),
            unanswered: read(&self.unanswered),
        }
    }

    /// Waits until so many more requests have a verdict, and says how long that took.
    pub async fn more_verdicts(&self, count: u64) -> Duration {
        let end = self.answered().verdicts + count;
        self.until(|answered| answered.verdicts >= end).await
    }

    /// Waits until something more is taken in, durable or not.
    pub async fn goes_on(&self) -> Duration {
        let taken = |answered: Answered| answered.acknowledged + answered.at_risk;
        let before = taken(self.answered());
        self.until(|answered| taken(answered) > before).await
    }

    /// Waits until so many more requests have a verdict, or none had one for a while.
    pub async fn more_verdicts_or_silence(&self, count: u64) {
        let end = self.answered().verdicts + count;
        let (mut quiet, mut last) = (Stopwatch::start(), self.answered().verdicts);
        let mut looks = tokio::time::interval(LOOK);
        while last < end && quiet.elapsed() < Duration::from_millis(500) {
            looks.tick().await;
            let now = self.answered().verdicts;
            if now != last {
                (quiet, last) = (Stopwatch::start(), now);
            }
        }
    }

    /// Waits until the counts are as wanted; a minute and a half without an answer is a hang, and ends the rig.
    pub async fn until(&self, mut wanted: impl FnMut(Answered) -> bool) -> Duration {
        let (watch, mut quiet, mut last) = (Stopwatch::start(), Stopwatch::start(), self.answered());
        let mut looks = tokio::time::interval(LOOK);
        while !wanted(self.answered()) {
            looks.tick().await;
            let now = self.answered();
            if now != last {
                (quiet, last) = (Stopwatch::start(), now);
            }
            assert!(
                quiet.elapsed() < Duration::from_secs(90),
                "nobody is answered any more: {now:?}, {:?}",
                self.odd()
            );
        }
        watch.elapsed()
    }

    /// All lines, as they were written.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        self.file.lock().unwrap().flush().unwrap();
        BufReader::new(File::open(&self.path).unwrap()).lines().map(|line| {
            let line = line.unwrap();
            let mut words = line.split(' ');
            let (status, number, hash) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            Line {
                status: status.parse().unwrap(),
                number: number.parse().unwrap(),
                hash: u64::from_str_radix(hash, 16).unwrap(),
            }
        })
    }
}
