//! One fault on one pair: a house under load, broken as often as the case wants, and the account at the end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account::{Ledger, Load, Pace, Promise, Verdict};
use crate::dice::Dice;
use crate::house::{House, Pair, Plan};

/// A fault on a pair, under way.
pub struct Trial {
    pub house: House,
    pub ledger: Arc<Ledger>,
    pub dice: Dice,
    fault: String,
    load: Option<Load>,
    cycles: u64,
    recovery: Vec<Duration>,
    peak: u64,
    notes: Vec<String>,
    problems: Vec<String>,
    expected: Expected,
    forgiven: bool,
}

/// What the account has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing is wrong.
    Clean,
    /// A control: what is not flushed is lost, and the rig sees it.
    Loss,
}

/// What a trial found.
#[derive(Debug)]
pub struct Row {
    pub fault: String,
    pub pair: Option<Pair>,
    pub cycles: u64,
    pub verdict: Verdict,
    pub recovery: Vec<Duration>,
    /// The most memory that one of our processes took, in bytes.
    pub peak: u64,
    pub notes: Vec<String>,
    pub problems: Vec<String>,
    pub expected: Expected,
    /// It could not be done here, for that reason.
    pub skipped: Option<String>,
}

impl Trial {
    /// Builds the house and lets clients send.
    pub async fn begin(fault: impl Into<String>, plan: Plan<'_>) -> Self {
        Self::begin_at(fault, plan, Pace::Full).await
    }

    /// The same at a pace.
    pub async fn begin_at(fault: impl Into<String>, plan: Plan<'_>, pace: Pace) -> Self {
        let fault = fault.into();
        let house = House::build(plan).await;
        let ledger = Arc::new(Ledger::new(house.note("account")));
        let load = Some(Load::start(std::slice::from_ref(&house.api.base), &ledger, pace));
        let seed = fault.bytes().map(u64::from).sum();
        let (recovery, notes, problems) = Default::default();
        Self {
            house,
            ledger,
            dice: Dice::new(seed),
            fault,
            load,
            cycles: 0,
            recovery,
            peak: 0,
            notes,
            problems,
            expected: Expected::Clean,
            forgiven: false,
        }
    }

    /// From here on it is a control.
    pub fn control(mut self) -> Self {
        self.expected = Expected::Loss;
        self
    }

    /// Lets clients send to another place from now on.
    pub async fn send_to(&mut self, base: String) {
        self.stop_load().await;
        self.load = Some(Load::start(&[base], &self.ledger, Pace::Full));
    }

    /// Lets no client begin another request.
    pub async fn stop_load(&mut self) {
        if let Some(load) = self.load.take() {
            load.stop().await;
        }
    }

    /// Lets the load go on until some requests more have a verdict, another number each time, and then for
    /// some milliseconds more.
    pub async fn some_load(&mut self, least: u64, most: u64) {
        self.ledger.more_verdicts(self.dice.between(least, most)).await;
        tokio::time::sleep(Duration::from_micros(self.dice.below(20_000))).await;
        self.look();
    }

    /// Remembers how much memory was taken; before a process is killed.
    pub fn look(&mut self) {
        self.peak = self.peak.max(self.house.peak_memory());
    }

    /// One fault is over, after which it took that long until events were acknowledged again.
    pub fn recovered(&mut self, after: Duration) {
        self.cycles += 1;
        self.recovery.push(after);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Something has to hold beside the account.
    pub fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(otherwise());
        }
    }

    /// What was acknowledged and is gone was taken away by whoever broke it; it is said and no failure.
    pub fn forgive_loss(&mut self) {
        self.forgiven = true;
    }

    /// Closes the account.
    pub async fn finish(mut self) -> Row {
        self.stop_load().await;
        self.house.drained().await;
        self.look();
        let promise = match self.expected {
            Expected::Clean => Promise::Durable,
            Expected::Loss => Promise::Any,
        };
        let mut verdict = Verdict::of(&self.ledger, &self.house.api.base, promise).await;
        if self.forgiven {
            self.note(format!("{} were removed from the queue by hand", std::mem::take(&mut verdict.lost)));
        }
        let odd = self.ledger.odd();
        self.expect(odd.is_empty(), || format!("answers that should not be: {odd:?}"));
        let logs = self.house.logs();
        self.expect(!logs.contains("panicked"), || format!("a panic: {logs}"));
        Row {
            fault: self.fault,
            pair: Some(self.house.pair),
            cycles: self.cycles,
            verdict,
            recovery: self.recovery,
            peak: self.peak,
            notes: self.notes,
            problems: self.problems,
            expected: self.expected,
            skipped: None,
        }
    }
}

impl Row {
    /// One that could not be had here.
    pub fn skipped(fault: impl Into<String>, pair: Pair, why: String) -> Self {
        Self {
            fault: fault.into(),
            pair: Some(pair),
            cycles: 0,
            verdict: Verdict::default(),
            recovery: Vec::new(),
            peak: 0,
            notes: Vec::new(),
            problems: Vec::new(),
            expected: Expected::Clean,
            skipped: Some(why),
        }
    }

    /// What is wrong with it, if something is.
    pub fn failure(&self) -> Option<String> {
        if self.skipped.is_some() {
            return None;
        }
        match self.expected {
            Expected::Loss if self.verdict.lost == 0 => Some("the control lost nothing: the rig is blind".to_owned()),
            Expected::Clean if !self.verdict.is_clean() => Some(format!("{:?}", self.verdict)),
            _ if !self.problems.is_empty() => Some(self.problems.join("; ")),
            _ => None,
        }
    }

    /// Median and worst time until events were acknowledged again, in seconds.
    pub fn recovery(&self) -> Option<(f64, f64)> {
        let mut sorted = self.recovery.clone();
        sorted.sort();
        let at = |index: usize| sorted.get(index).map(Duration::as_secs_f64);
        Some((at(sorted.len() / 2)?, sorted.last()?.as_secs_f64()))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = self.pair.map(|pair| format!(", {pair}")).unwrap_or_default();
        if let Some(why) = &self.skipped {
            return write!(f, "{}{pair}: NOT RUN HERE: {why}", self.fault);
        }
        let Verdict { acknowledged, lost, duplicates, phantoms, altered, .. } = self.verdict;
        write!(
            f,
            "{}{pair}: {} times, {acknowledged} acknowledged, lost {lost}, duplicates {duplicates}, \
             phantoms {phantoms}, altered {altered}",
            self.fault, self.cycles
        )?;
        if let Some((median, worst)) = self.recovery() {
            write!(f, ", went on after {median:.2} s, at worst {worst:.2} s")?;
        }
        write!(f, ", {} MB", self.peak >> 20)?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        match self.failure() {
            Some(failure) => write!(f, "\n    FAILED: {failure}"),
            None if self.expected == Expected::Loss => f.write_str(" (control: loss was seen)"),
            None => Ok(()),
        }
    }
}
