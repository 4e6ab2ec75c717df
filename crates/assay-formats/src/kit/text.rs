//! Foreign text as it may stand in a message.

/// Characters of it that are shown.
const SHOWN: usize = 150;

/// The beginning of what a client sent, without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_is_shown_is_short_and_on_one_line() {
        assert_eq!(shown("a\nb\u{1b}[31m"), "a?b?[31m");
        assert_eq!(shown(&"\u{fc}".repeat(1000)).chars().count(), 150);
    }
}
