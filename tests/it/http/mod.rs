//! The HTTP contract, row by row.

