//! How far two names are apart for a reader: look-alike characters are folded, then edits are counted
//! (Damerau-Levenshtein: insertions, deletions, substitutions, and swaps of neighbours).

/// The name with what looks alike written alike: `0` as `o`, `1` and `i` as `l`, `rn` as `m`, separators as `-`.
pub(super) fn fold(name: &str) -> Vec<u8> {
    let mut folded = Vec::with_capacity(name.len());
    for byte in name.bytes().map(|byte| byte.to_ascii_lowercase()) {
        match byte {
            b'0' => folded.push(b'o'),
            b'1' | b'i' => folded.push(b'l'),
            b'_' | b'.' => folded.push(b'-'),
            b'n' if folded.last() == Some(&b'r') => {
                folded.pop();
                folded.push(b'm');
            }
            other => folded.push(other),
        }
    }
    folded
}

/// The edits between two folded names, if there are at most `most`.
pub(super) fn within(a: &[u8], b: &[u8], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let width = b.len() + 1;
    let mut rows = [vec![0; width], vec![0; width], (0..width).collect::<Vec<usize>>()];
    for (i, x) in a.iter().enumerate() {
        rows.rotate_left(1);
        // before the last, the last, and this one
        let [earlier, last, row] = &mut rows;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        let mut best = i + 1;
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(last, j) + usize::from(x != y)).min(at(last, j + 1) + 1).min(at(row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                cost = cost.min(at(earlier, j - 1) + 1);
            }
            best = best.min(cost);
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = cost;
            }
        }
        // a swap looks one row further back, so one more than the limit may still come down
        if best > most + 1 {
            return None;
        }
    }
    rows.last().and_then(|row| row.last()).copied().filter(|edits| *edits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_alike() {
        assert_eq!(fold("Bert0_1n.rnd"), fold("berto-ln-md"));
        assert_eq!(fold("modern"), fold("modem"));
    }

    #[test]
    fn edits_are_counted_up_to_the_limit() {
        let of = |a: &str, b: &str| within(a.as_bytes(), b.as_bytes(), 2);
        assert_eq!(of("requests", "requests"), Some(0));
        assert_eq!(of("requests", "reqeusts"), Some(1), "a swap is one edit");
        assert_eq!(of("requests", "request"), Some(1));
        assert_eq!(of("requests", "rekwests"), Some(2));
        assert_eq!(of("requests", "numpy"), None);
        assert_eq!(of("", "ab"), Some(2));
        assert_eq!(of("abcdef", "badcfe"), None, "three swaps");
        assert_eq!(of("abcd", "badc"), Some(2));
    }
}
