//! Versions of Go as semantic versions, which is how advisories on the standard library write them.

/// `1.21.3` of `go1.21.3`, `1.22.0-rc.1` of `go1.22rc1`; none for a build of a commit that names no release.
pub(super) fn of_go(text: &str) -> Option<String> {
    // `devel go1.23-abcdef Mon …`, `go1.21.3 X:boringcrypto`, `go1.20.5-vendor`.
    let word = text.split_whitespace().find_map(|word| word.strip_prefix("go"))?;
    let mut rest = word;
    let mut numbers = Vec::new();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if number.is_empty() || numbers.len() == 3 {
            break;
        }
        numbers.push(number.parse::<u32>().ok()?);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => {
                rest = after;
                break;
            }
        }
    }
    let (major, minor) = (numbers.first()?, numbers.get(1)?);
    let patch = numbers.get(2).copied().unwrap_or_default();
    let early = ["rc", "beta"].iter().find_map(|kind| {
        let digits = rest.strip_prefix(kind)?;
        let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        (!digits.is_empty()).then(|| format!("-{kind}.{digits}"))
    });
    Some(format!("{major}.{minor}.{patch}{}", early.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::of_go;

    #[test]
    fn versions_of_all_kinds_of_builds() {
        for (text, version) in [
            ("go1.21.3", Some("1.21.3")),
            ("go1.22", Some("1.22.0")),
            ("go1.22rc1", Some("1.22.0-rc.1")),
            ("go1.17beta2", Some("1.17.0-beta.2")),
            ("go1.21.3 X:boringcrypto", Some("1.21.3")),
            ("go1.20.5-vendor.1", Some("1.20.5")),
            ("devel go1.23-a1b2c3 Mon Jan 1", Some("1.23.0")),
            ("devel +a1b2c3", None),
            ("go1", None),
            ("", None),
        ] {
            assert_eq!(of_go(text).as_deref(), version, "{text}");
        }
    }
}
