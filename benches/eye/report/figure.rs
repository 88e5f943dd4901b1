//! A figure with its unit and its target, and how both are said.

use super::{Line, Series};

/// A figure of a line.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) rounds: Series,
    pub(crate) unit: Unit,
    pub(crate) goal: Option<Goal>,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share of the other side: more is better.
    Share,
    /// Times the other side: less is better.
    Times,
    Milliseconds,
    Megabytes,
}

/// Which of a line's figures have to reach their goals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    All,
    Any,
}

impl Figure {
    pub(crate) fn new(unit: Unit, rounds: impl Into<Series>) -> Self {
        Self { rounds: rounds.into(), unit, goal: None }
    }

    pub(crate) fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(goal)), ..self }
    }

    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMost(goal)), ..self }
    }

    /// Whether the median reaches the goal.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let median = self.rounds.median();
        self.goal.map(|goal| match goal {
            Goal::AtLeast(goal) => median >= goal,
            Goal::AtMost(goal) => median <= goal,
        })
    }

    /// How much of the goal is reached; 1 is all of it.
    pub(crate) fn reached(&self) -> Option<f64> {
        let median = self.rounds.median();
        self.goal.map(|goal| match goal {
            Goal::AtLeast(goal) => median / goal,
            Goal::AtMost(goal) => goal / median,
        })
    }

    /// The median and the spread.
    pub(crate) fn found(&self) -> String {
        let Self { rounds, unit, .. } = self;
        let median = unit.text(rounds.median());
        match rounds.len() {
            1 => median,
            _ => format!("{median} ({}–{})", unit.number(rounds.least()), unit.number(rounds.most())),
        }
    }

    pub(crate) fn target(&self) -> Option<String> {
        self.goal.map(|goal| match goal {
            Goal::AtLeast(goal) => format!("≥ {}", self.unit.text(goal)),
            Goal::AtMost(goal) => format!("≤ {}", self.unit.text(goal)),
        })
    }
}

impl Unit {
    pub(crate) fn text(self, value: f64) -> String {
        let number = self.number(value);
        match self {
            Self::Share => number,
            Self::Times => format!("{number}×"),
            Self::Milliseconds => format!("{number} ms"),
            Self::Megabytes => format!("{number} MB"),
        }
    }

    /// Three digits, which is more than any of them is good for.
    fn number(self, value: f64) -> String {
        match self {
            Self::Share => format!("{value:.2}"),
            _ => three_digits(value),
        }
    }
}

/// A number as people write it: three digits that count.
pub(crate) fn three_digits(value: f64) -> String {
    match value.abs() {
        size if size < 1e-9 => "0".to_owned(),
        size if size < 1.0 => trimmed(format!("{value:.2}")),
        size if size < 10.0 => trimmed(format!("{value:.2}")),
        size if size < 100.0 => trimmed(format!("{value:.1}")),
        _ => thousands(value.round()),
    }
}

/// A whole number with its thousands apart.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(|group| std::str::from_utf8(group).unwrap());
    std::iter::once(head).filter(|head| !head.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}

fn trimmed(number: String) -> String {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number,
    }
}

impl Line {
    pub(crate) fn found(&self) -> String {
        self.figures.iter().map(Figure::found).collect::<Vec<_>>().join("; ")
    }

    /// The medians of those figures that have a target.
    pub(crate) fn medians(&self) -> String {
        let with_goal = self.figures.iter().filter(|figure| figure.goal.is_some());
        with_goal.map(|figure| figure.unit.text(figure.rounds.median())).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn target(&self) -> String {
        let between = if self.rule == Rule::All { " and " } else { " or " };
        let targets: Vec<_> = self.figures.iter().filter_map(Figure::target).collect();
        if targets.is_empty() { "—".to_owned() } else { targets.join(between) }
    }

    pub(crate) fn is_met(&self) -> Option<bool> {
        let verdicts: Vec<_> = self.figures.iter().filter_map(Figure::is_met).collect();
        match (verdicts.is_empty(), self.rule) {
            (true, _) => None,
            (false, Rule::All) => Some(verdicts.iter().all(|met| *met)),
            (false, Rule::Any) => Some(verdicts.iter().any(|met| *met)),
        }
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }
}
