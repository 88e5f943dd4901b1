//! One page of a list, and the arithmetic of page numbers.

use super::{Order, Start};

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

/// Which rows make a numbered page, as a database is best asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) limit: u64,
    /// The rows are read in this order...
    pub(super) order: Order,
    /// ...and have to be turned round if that is not the one asked for.
    pub(super) reversed: bool,
}

impl Slice {
    /// The rows of a numbered page; `None` if the list has no such page. The first page of an
    /// empty list exists.
    pub(super) fn new(start: Start, size: u32, count: u64, order: Order) -> Option<Self> {
        let size = u64::from(size);
        let pages = count.div_ceil(size).max(1);
        let number = match start {
            Start::Page(number) if (1..=pages).contains(&number) => number,
            Start::LastPage => pages,
            Start::Page(_) | Start::After(_) => return None,
        };
        let offset = (number - 1) * size;
        let limit = size.min(count - offset);
        // Rows before a page are walked over, so a page of the second half is reached from the end.
        let from_end = count - offset - limit;
        Some(match offset <= from_end {
            true => Self { number, offset, limit, order, reversed: false },
            false => Self { number, offset: from_end, limit, order: order.reversed(), reversed: true },
        })
    }
}

impl Order {
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
    use super::*;

    fn check(start: Start, count: u64, expected: Option<(u64, u64, u64, bool)>) {
        let slice = Slice::new(start, 10, count, Order::Descending);
        let found = slice.map(|slice| (slice.number, slice.offset, slice.limit, slice.reversed));
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
}
