//! One page of a list, and the arithmetic of page numbers.

use super::{Order, Position, Query, Start};

/// A page that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// How many rows the whole list has.
    pub count: u64,
    /// The rows of this page.
    pub items: Vec<T>,
    /// The page's number, where it was asked for by number.
    pub number: Option<u64>,
    /// Whether rows follow.
    pub more: bool,
}

/// How the rows of one page are best read: which they are, in which order, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Rows to pass over.
    pub(super) offset: u64,
    /// Rows to read.
    pub(super) limit: u64,
    /// The rows begin right after this one, where a cursor says so.
    pub(super) after: Option<Position>,
    /// The order in which to read them...
    pub(super) order: Order,
    /// ...which is the other way round than they are listed.
    reversed: bool,
    number: Option<u64>,
    count: u64,
    size: u64,
}

impl Plan {
    /// The plan for a page of a list of `count` rows; `None` if the list has no such page. The
    /// first page of an empty list exists.
    pub(super) fn new(query: &Query, count: u64) -> Option<Self> {
        let (size, order) = (u64::from(query.size), query.order);
        let plan = Self { offset: 0, limit: 0, after: None, order, reversed: false, number: None, count, size };
        let pages = count.div_ceil(size).max(1);
        let number = match query.start {
            // One row more than the page has tells whether there is another page.
            Start::After(position) => return Some(Self { after: Some(position), limit: size + 1, ..plan }),
            Start::Page(number) if (1..=pages).contains(&number) => number,
            Start::Page(_) => return None,
            Start::LastPage => pages,
        };
        let offset = (number - 1) * size;
        let limit = size.min(count - offset);
        // Rows before a page are walked over, so a page of the second half is reached from the end.
        let from_end = count - offset - limit;
        let plan = Self { limit, number: Some(number), ..plan };
        Some(match offset <= from_end {
            true => Self { offset, ..plan },
            false => Self { offset: from_end, order: order.reversed(), reversed: true, ..plan },
        })
    }

    /// The plan for all of a list of `count` rows, oldest first.
    pub(super) fn all(count: u64) -> Self {
        let (order, number) = (Order::Ascending, Some(1));
        Self { offset: 0, limit: count, after: None, order, reversed: false, number, count, size: count }
    }

    /// The page that the rows make which were read by this plan.
    pub(super) fn page<T>(self, mut items: Vec<T>) -> Page<T> {
        if self.reversed {
            items.reverse();
        }
        let more = match self.number {
            Some(number) => number * self.size < self.count,
            None => items.len() as u64 > self.size,
        };
        if self.number.is_none() && more {
            items.pop();
        }
        Page { count: self.count, items, number: self.number, more }
    }
}

impl Order {
    /// The word of SQL for it.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }

    /// The other way round.
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;

    fn query(start: Start) -> Query {
        Query { filter: Filter::default(), order: Order::Descending, start, size: 10 }
    }

    fn check(start: Start, count: u64, expected: Option<(u64, u64, u64, bool)>) {
        let found = Plan::new(&query(start), count)
            .map(|plan| (plan.number.unwrap(), plan.offset, plan.limit, plan.order == Order::Ascending));
        assert_eq!(found, expected, "{start:?} of {count}");
    }

    #[test]
    fn a_page_is_read_from_the_nearer_end() {
        check(Start::Page(1), 0, Some((1, 0, 0, false)));
        check(Start::LastPage, 0, Some((1, 0, 0, false)));
        check(Start::Page(2), 0, None);
        check(Start::Page(0), 5, None);
        check(Start::Page(1), 5, Some((1, 0, 5, false)));
        check(Start::Page(2), 10, None);
        check(Start::Page(2), 11, Some((2, 0, 1, true)));
        check(Start::LastPage, 11, Some((2, 0, 1, true)));
        check(Start::Page(2), 100, Some((2, 10, 10, false)));
        check(Start::Page(9), 95, Some((9, 5, 10, true)));
        check(Start::Page(u64::MAX), 95, None);
    }

    #[test]
    fn a_page_knows_whether_rows_follow() {
        let more = |start, count, read: u64| {
            let page = Plan::new(&query(start), count).unwrap().page((0..read).collect());
            (page.items, page.more)
        };
        assert_eq!(more(Start::Page(1), 11, 3), (vec![0, 1, 2], true));
        assert_eq!(more(Start::Page(2), 11, 1), (vec![0], false));
        let after =
            Start::After(Position { time: crate::event::Timestamp::MIN, id: uuid::Uuid::nil(), application: 0 });
        assert_eq!(more(after, 50, 10), ((0..10).collect(), false));
        assert_eq!(more(after, 50, 11), ((0..10).collect(), true));
    }
}
