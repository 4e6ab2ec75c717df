//! Dotted numbers: CRAN (`package_version`, where `-` is another dot) and Hackage/GHC (`Data.Version`).
//!
//! Numbers compare from the left; when one list is the beginning of the other, the longer is the greater,
//! so `1.0` is below `1.0.0`. Anything but numbers is no version.

use super::text::{cmp_digits, is_digits};
use std::cmp::Ordering;

pub(super) fn compare(separators: &[char], a: &str, b: &str) -> Result<Ordering, usize> {
    let a = numbers(separators, a).ok_or(0_usize)?;
    let b = numbers(separators, b).ok_or(1_usize)?;
    let order = a.iter().zip(&b).map(|(a, b)| cmp_digits(a, b)).find(|order| order.is_ne());
    Ok(order.unwrap_or_else(|| a.len().cmp(&b.len())))
}

fn numbers<'a>(separators: &[char], text: &'a str) -> Option<Vec<&'a str>> {
    let list: Vec<&str> = text.trim().split(separators).collect();
    list.iter().all(|part| is_digits(part)).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_a_dot_for_cran_only() {
        assert_eq!(compare(&['.', '-'], "1.0-4", "1.0.4"), Ok(Ordering::Equal));
        assert_eq!(compare(&['.', '-'], "1.0", "1.0.0"), Ok(Ordering::Less));
        assert_eq!(compare(&['.'], "1.0-4", "1.0.4"), Err(0));
        assert_eq!(compare(&['.'], "0.10", "0.9"), Ok(Ordering::Greater));
    }
}
