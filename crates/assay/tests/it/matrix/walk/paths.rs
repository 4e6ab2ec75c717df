//! Addresses: those that a document leads to, and other spellings of one.

use std::collections::BTreeSet;

/// What may stand for a file beside it, and after it.
const BESIDE: [&str; 27] = [
    "/",
    "//",
    "/.",
    "/..",
    "/%2e",
    "/x/..",
    "/..;/",
    ".",
    "%2e",
    "%00",
    "%20",
    "%09",
    "%2f",
    ";a=b",
    "?",
    "?x=1",
    "?download=1",
    "?raw",
    "%3fx",
    "%23x",
    ".sha1",
    ".sha256",
    ".sha512",
    ".md5",
    ".asc",
    ".metadata",
    ".prov",
];

/// Other files of the same stem.
const ENDINGS: [&str; 12] = [
    "info",
    "mod",
    "zip",
    "ziphash",
    "pom",
    "jar",
    "tgz",
    "tar.gz",
    "whl.metadata",
    "tgz.prov",
    "provenance",
    "module",
];

/// Addresses on this server that a document names: whole, from the root, or beside it.
pub(super) fn linked(text: &str, from: &str, authority: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let here = from.split('?').next().unwrap_or(from);
    let splits = |c: char| c.is_whitespace() || "\"'<>()\\,`".contains(c);
    for word in text.split(splits).filter(|word| (2..300).contains(&word.len())) {
        let word = word.split('#').next().unwrap_or(word);
        if let Some((_, path)) = word.split_once(authority) {
            found.insert(path.to_owned());
        } else if word.starts_with('/') {
            found.insert(word.to_owned());
        } else if word.contains(['/', '.']) && !word.contains("://") {
            found.insert(beside(here, word));
        }
    }
    found.retain(|path| path.starts_with('/') && path.is_ascii() && !path.contains(['{', '}', '^']));
    found
}

/// A relative address, as browsers resolve it.
fn beside(here: &str, word: &str) -> String {
    let mut parts: Vec<&str> = here.split('/').collect();
    parts.pop();
    for part in word.split('/') {
        match part {
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            "." | ".." => {}
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// Other spellings of an address, by which a rule for it might be missed.
pub(super) fn mutated(path: &str, prefixes: &[&str]) -> BTreeSet<String> {
    let (plain, query) = path.split_once('?').map_or((path, None), |(plain, query)| (plain, Some(query)));
    let mut all: BTreeSet<String> = BESIDE.iter().map(|more| format!("{plain}{more}")).collect();
    let segments: Vec<&str> = plain.split('/').skip(1).collect();
    let joined = |segments: &[String]| format!("/{}", segments.join("/"));
    let owned: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
    for (at, segment) in segments.iter().enumerate() {
        let changed = |to: String| {
            let mut segments = owned.clone();
            segments[at] = to;
            joined(&segments)
        };
        all.extend(spellings(segment).into_iter().map(&changed));
        for before in ["", ".", "%2e", "x/..", "x/%2e%2e", "%2e%2e/x", "..", "%00", "x%2f..", ";"] {
            all.insert(changed(format!("{before}/{segment}")));
        }
        if at + 1 < segments.len() {
            for slash in ["%2f", "%2F", "%252f", "%5c", "\\", "%c0%af"] {
                let mut segments = owned.clone();
                let next = segments.remove(at + 1);
                segments[at] = format!("{segment}{slash}{next}");
                all.insert(joined(&segments));
            }
        }
    }
    let (first, rest) = owned.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    for prefix in prefixes.iter().filter(|prefix| **prefix != first) {
        all.insert(format!("/{prefix}/{}", rest.join("/")));
    }
    if let Some((_, below)) = rest.split_first() {
        for repository in ["other", "all", "Main", "MAIN", "all/main", "main/main", "", "main;x", "main%20", "-"] {
            all.insert(format!("/{first}/{repository}/{}", below.join("/")));
        }
    }
    if let Some((stem, _)) = plain.rsplit_once('.') {
        all.extend(ENDINGS.iter().map(|ending| format!("{stem}.{ending}")));
    }
    all.extend([plain.to_uppercase(), plain.replace('.', "%2e"), plain.replace('.', "%252e"), format!("/{plain}")]);
    all.extend(query.map(|query| format!("{plain}?{query}&{query}")));
    all.remove(path);
    // A space or a control character would end the request line.
    all.retain(|path| path.bytes().all(|byte| byte.is_ascii_graphic()) && path.starts_with('/'));
    all
}

/// A segment in other cases, other encodings, and with other separators.
fn spellings(segment: &str) -> Vec<String> {
    let encoded = |twice: bool| -> String {
        let percent = if twice { "%25" } else { "%" };
        segment.bytes().map(|byte| format!("{percent}{byte:02x}")).collect()
    };
    let mut all = vec![segment.to_uppercase(), segment.to_lowercase(), encoded(false), encoded(true)];
    let mut letters = segment.chars();
    if let Some(first) = letters.next().filter(char::is_ascii) {
        let rest = letters.as_str();
        all.extend([format!("{}{rest}", first.to_ascii_uppercase()), format!("%{:02x}{rest}", u32::from(first))]);
        all.push(format!("!{first}{rest}"));
    }
    for (one, other) in [("-", "_"), ("_", "-"), ("-", "."), (".", "-"), ("sha256:", "sha512:"), ("sha256:", "sha256-")]
    {
        all.push(segment.replace(one, other));
    }
    for (one, other) in
        [(".", "%2e"), (":", "%3a"), ("@", "%40"), ("+", "%2b"), ("-", "%2d"), ("v1", "1"), ("1.0.0", "01.0.0")]
    {
        all.push(segment.replace(one, other));
    }
    for other in ["1.0", "1.0.0.0", "v1.0.0", "1.0.0+x", "latest", "%3e0", "*"] {
        all.push(segment.replace("1.0.0", other));
    }
    all.extend([format!(" {segment}"), format!("{segment}%20"), format!("./{segment}")]);
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn links_are_found_whole_from_the_root_and_beside() {
        let text = "<a href=\"../../files/x-1.whl#sha256=0\">x</a> {\"u\":\"http://h:1/npm/x.tgz\"} </go/list>";
        let found = super::linked(text, "/pypi/main/simple/x/", "h:1");
        for path in ["/pypi/main/files/x-1.whl", "/npm/x.tgz", "/go/list"] {
            assert!(found.contains(path), "{path} is not in {found:?}");
        }
    }
}
