//! One requirement as PEP 508 writes it: `name[extra] >=1,<2 ; marker`, `name @ https://...`.

use assay_model::ecosystem::Scheme;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Requirement<'a> {
    pub(crate) name: &'a str,
    /// Without blanks and parentheses; empty for any version.
    pub(crate) range: String,
    /// Where it comes from, if not from an index.
    pub(crate) url: Option<&'a str>,
}

impl<'a> Requirement<'a> {
    /// None if it does not begin with a name.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let (name, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !name.ends_with(|c: char| c.is_ascii_alphanumeric())
        {
            return None;
        }
        let mut rest = rest.trim_start();
        if let Some(extras) = rest.strip_prefix('[') {
            rest = extras.split_once(']')?.1.trim_start();
        }
        if let Some(url) = rest.strip_prefix('@') {
            let url = url.split(" ;").next().unwrap_or(url).trim();
            return Some(Self { name, range: String::new(), url: Some(url) });
        }
        let range = rest.split(';').next().unwrap_or(rest);
        let range: String = range.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect();
        let sane = range.is_empty() || range.starts_with(['=', '<', '>', '!', '~']);
        sane.then_some(Self { name, range, url: None })
    }

    /// The one version that is asked for: of `==1.2`, `===1.2`, of the name of a wheel. None if others would do as well.
    pub(crate) fn pin(&self) -> Option<&str> {
        if let Some(url) = self.url {
            return wheel_version(url);
        }
        self.range.split(',').find_map(|part| {
            let version = part.strip_prefix("===").or_else(|| part.strip_prefix("=="))?;
            Scheme::Pep440.is_canonical(version).then_some(version)
        })
    }
}

/// The version in `.../name-1.0-py3-none-any.whl`.
pub(crate) fn wheel_version(url: &str) -> Option<&str> {
    let path = url.split(['#', '?']).next()?;
    let file = path.rsplit('/').next()?.strip_suffix(".whl")?;
    file.split('-').nth(1).filter(|version| Scheme::Pep440.is_canonical(version))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Requirement;

    #[test]
    fn forms() {
        for (text, name, range, pin) in [
            ("a", "a", "", None),
            ("A.b_c-d==1.0", "A.b_c-d", "==1.0", Some("1.0")),
            ("a [x,y] == 1.0 ; python_version < '3'", "a", "==1.0", Some("1.0")),
            ("a (>=1, <2)", "a", ">=1,<2", None),
            ("a===1.0.dev1", "a", "===1.0.dev1", Some("1.0.dev1")),
            ("a>=1,==1.5", "a", ">=1,==1.5", Some("1.5")),
            ("a==1.*", "a", "==1.*", None),
            ("a==${VERSION}", "a", "==${VERSION}", None),
            ("a @ https://host.example/a-2.0-py3-none-any.whl#sha256=00 ; x", "a", "", Some("2.0")),
            ("a@git+https://host.example/a.git@v1", "a", "", None),
        ] {
            let parsed = Requirement::parse(text).unwrap();
            assert_eq!((parsed.name, parsed.range.as_str(), parsed.pin()), (name, range, pin), "{text}");
        }
        for text in ["", "-a", "./a", "{% if x %}", "a[x", "a b", "https://host.example/a.whl"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }
}
