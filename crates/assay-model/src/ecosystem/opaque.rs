//! Versions without an order: commits, tags, build names.
//!
//! Compared as bytes, so that lists have a stable order. It says nothing about age: a range over such
//! versions is only decided where no order is needed (see `range.rs`).

use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    a.cmp(b)
}
