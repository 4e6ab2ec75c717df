//! Writing canonical package URLs from parts.

/// The parts of a package URL; empty ones are left out. Qualifiers are given in the order of their names.
pub(crate) struct Purl<'a> {
    pub(crate) purl_type: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) qualifiers: &'a [(&'a str, &'a str)],
}

impl std::fmt::Display for Purl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pkg:{}/", self.purl_type)?;
        for part in self.namespace.split('/').filter(|part| !part.is_empty()) {
            write!(f, "{}/", encoded(part))?;
        }
        f.write_str(&encoded(self.name))?;
        if !self.version.is_empty() {
            write!(f, "@{}", encoded(self.version))?;
        }
        let mut mark = '?';
        for (key, value) in self.qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
            write!(f, "{mark}{key}={}", encoded(value))?;
            mark = '&';
        }
        Ok(())
    }
}

/// Percent-encoded but for what the specification leaves as it is: letters, digits, `.`, `-`, `_`, `~` and `:`.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Purl;

    #[test]
    fn parts_are_encoded_each_in_its_way() {
        let purl = Purl {
            purl_type: "deb",
            namespace: "debian",
            name: "g++",
            version: "4:12.2.0-3~a+b",
            qualifiers: &[("arch", "amd64"), ("distro", ""), ("upstream", "gcc@1/2")],
        };
        assert_eq!(purl.to_string(), "pkg:deb/debian/g%2B%2B@4:12.2.0-3~a%2Bb?arch=amd64&upstream=gcc%401%2F2");
        let scoped = Purl { purl_type: "npm", namespace: "@scope", name: "name", version: "1", qualifiers: &[] };
        assert_eq!(scoped.to_string(), "pkg:npm/%40scope/name@1");
    }
}
