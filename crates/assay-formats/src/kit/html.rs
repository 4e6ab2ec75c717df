//! Escaping for the small HTML documents that indexes and listings are.

use std::borrow::Cow;

/// Text as it may stand in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_leaves_its_attribute() {
        assert_eq!(escape("plain"), "plain");
        assert_eq!(escape("\"><b a='1'>&"), "&quot;&gt;&lt;b a=&#39;1&#39;&gt;&amp;");
    }
}
