//! Reading and writing query strings and forms.

use assay_model::problem::Problem;
use std::collections::BTreeMap;

const MOST_BYTES: usize = 16 << 10;

/// The pairs of a query string or of a form; of a repeated name the first counts, empty values are left out.
#[derive(Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads `name=value&...`.
    ///
    /// # Errors
    /// `TooLarge` past 16 KiB.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Problem> {
        Self::within(text, MOST_BYTES)
    }

    /// As [`Query::parse`], for forms that carry a document.
    ///
    /// # Errors
    /// `TooLarge` past `most` bytes.
    pub(super) fn within(text: &[u8], most: usize) -> Result<Self, Problem> {
        if text.len() > most {
            let kind = assay_model::problem::Kind::TooLarge;
            return Err(Problem::new(kind, "form-too-large", format!("the form is larger than {} KiB", most >> 10)));
        }
        let mut pairs = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if !value.trim().is_empty() {
                pairs.entry(name.into_owned()).or_insert_with(|| value.trim().to_owned());
            }
        }
        Ok(Self(pairs))
    }

    /// A value that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let wrong = |_| Problem::invalid("bad-query", format!("`{name}` must be a number"));
        self.get(name).map(|text| text.parse().map_err(wrong)).transpose()
    }
}

/// An address with a query made of the pairs that have a value.
pub(super) fn address(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            text.append_pair(name, value);
        }
    }
    match text.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = address("/ui/packages", &[("q", Some("a&b=c é")), ("state", None), ("before", Some("7"))]);
        let (path, query) = text.split_once('?').unwrap();
        let read = Query::parse(query.as_bytes()).unwrap();
        assert_eq!((path, read.get("q"), read.get("state")), ("/ui/packages", Some("a&b=c é"), None));
        assert_eq!(read.number("before").unwrap(), Some(7));
        assert!(read.number("q").is_err());
        assert_eq!(address("/ui/log", &[("subject", None)]), "/ui/log");
    }

    #[test]
    fn large_forms_are_refused() {
        assert!(Query::parse(&vec![b'a'; MOST_BYTES + 1]).is_err());
    }
}
