//! What was asked for.

use crate::cases::{CASES, Case};

/// How long a run may be.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub quick: bool,
    cycles: Option<u64>,
}

/// The words of the command line.
pub struct Arguments {
    pub scale: Scale,
    pub write: bool,
    pub cases: Vec<&'static Case>,
}

impl Scale {
    /// How often a fault is made: in the short form, or in the long one.
    pub fn cycles(&self, short: u64, long: u64) -> u64 {
        self.cycles.unwrap_or(if self.quick { short } else { long })
    }
}

impl Arguments {
    pub fn read() -> Self {
        let mut scale = Scale { quick: false, cycles: None };
        let (mut write, mut names) = (false, Vec::new());
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => scale.quick = true,
                "--write" => write = true,
                "--cycles" => {
                    let count = words.next().and_then(|count| count.parse().ok());
                    scale.cycles = Some(count.expect("--cycles takes a number"));
                }
                name => names.push(name.to_owned()),
            }
        }
        let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
        for name in &names {
            assert!(known.contains(&name.as_str()), "no case is called `{name}`; there are {}", known.join(", "));
        }
        let all = names.is_empty();
        let cases = CASES.iter().filter(|case| all || names.iter().any(|name| name == case.name)).collect();
        Self { scale, write: write || (all && !scale.quick), cases }
    }
}
