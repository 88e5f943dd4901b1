//! Links to the other pages of a list: by number where pages have numbers, and else to the next one.

use askama::Template;

use super::super::answer::PageLinks;
use super::asked::Asked;

/// Numbers that are shown on each side of this page's.
const AROUND: u64 = 2;

/// The links, in their order.
#[derive(Template)]
#[template(path = "pager.html")]
pub(super) struct Pager {
    steps: Vec<Step>,
}

/// One link, or what stands between links.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    To { label: String, rel: &'static str, path: String },
    Here(u64),
    Gap,
}

impl Pager {
    pub(super) fn new(asked: &Asked, links: Option<PageLinks>) -> Self {
        let Some(PageLinks { links, numbers }) = links else { return Self { steps: Vec::new() } };
        let steps = match numbers {
            Some((_, 1)) => Vec::new(),
            Some((number, last)) => numbered(number, last, |number| asked.with("page", &number.to_string())),
            None => {
                let next = links.into_iter().find(|(rel, _)| *rel == "next");
                let path = next.and_then(|(_, url)| asked.site.own_path(&url));
                path.map(|path| Step::To { label: "Next".to_owned(), rel: "next", path }).into_iter().collect()
            }
        };
        Self { steps }
    }
}

fn numbered(number: u64, last: u64, path: impl Fn(u64) -> String) -> Vec<Step> {
    let to =
        |label: &str, rel: &'static str, number: u64| Step::To { label: label.to_owned(), rel, path: path(number) };
    let mut steps = Vec::new();
    if number > 1 {
        steps.extend([to("First", "first", 1), to("Previous", "prev", number - 1)]);
    }
    let from = number.saturating_sub(AROUND).max(1);
    let up_to = number.saturating_add(AROUND).min(last);
    steps.extend((from > 1).then_some(Step::Gap));
    for other in from..=up_to {
        steps.push(match other == number {
            true => Step::Here(number),
            false => to(&other.to_string(), "", other),
        });
    }
    steps.extend((up_to < last).then_some(Step::Gap));
    if number < last {
        steps.extend([to("Next", "next", number + 1), to(&format!("Last ({last})"), "last", last)]);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: u64, last: u64, expected: &str) {
        let label = |step: Step| match step {
            Step::To { label, path, .. } => format!("{label}:{path}"),
            Step::Here(number) => format!("[{number}]"),
            Step::Gap => "…".to_owned(),
        };
        let steps: Vec<_> = numbered(number, last, |number| number.to_string()).into_iter().map(label).collect();
        assert_eq!(steps.join(" "), expected);
    }

    #[test]
    fn a_window_of_numbers_is_around_this_page() {
        check(1, 2, "[1] 2:2 Next:2 Last (2):2");
        check(1, 9, "[1] 2:2 3:3 … Next:2 Last (9):9");
        check(5, 9, "First:1 Previous:4 … 3:3 4:4 [5] 6:6 7:7 … Next:6 Last (9):9");
        check(9, 9, "First:1 Previous:8 … 7:7 8:8 [9]");
    }
}
