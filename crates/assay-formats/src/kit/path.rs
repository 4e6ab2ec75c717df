//! Percent-encoding of paths, and query strings.

use assay_model::Problem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// Everything that may not stand as it is in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'+')
    .remove(b'!')
    .remove(b':')
    .remove(b'@');

/// The decoded text.
///
/// # Errors
/// `Invalid` when it is not UTF-8.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| Problem::invalid("bad-path", "the path is not UTF-8 after percent-decoding"))
}

/// One segment of a path, encoded.
pub(crate) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path of several segments, encoded; the slashes stay.
pub(crate) fn encode_path(text: &str) -> String {
    text.split('/').map(encode_segment).collect::<Vec<_>>().join("/")
}

/// The parameters of a query string, decoded.
pub(crate) struct Query(Vec<(String, String)>);

/// Parameters looked at in one query string.
const PARAMETERS: usize = 64;

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        Self(pairs.take(PARAMETERS).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// All values of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Query, decode, encode_path, encode_segment};
    use proptest::prelude::*;

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse(Some("digest=sha256%3Aab&from=a%2Fb+c&digest=second&flag"));
        assert_eq!(query.get("digest"), Some("sha256:ab"));
        assert_eq!(query.all("digest").collect::<Vec<_>>(), ["sha256:ab", "second"]);
        assert_eq!(query.get("from"), Some("a/b c"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("other"), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(decode("%ff%fe").is_err());
        assert_eq!(decode("100%").unwrap(), "100%");
    }

    proptest! {
        #[test]
        fn encoding_is_undone_by_decoding(text in "\\PC{0,60}") {
            let (segment, path) = (encode_segment(&text), encode_path(&text));
            prop_assert!(!segment.contains(['/', '?', '#', ' ', '"', '<']));
            prop_assert_eq!(decode(&segment).unwrap(), text.as_str());
            prop_assert_eq!(decode(&path).unwrap(), text.as_str());
        }
    }
}
