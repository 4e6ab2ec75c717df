//! Source repositories: the one spelling of an address under which facts about a project are kept. Which addresses a
//! package names is its format's knowledge ([`crate::seam::format::Format::source_links`]).

/// Forges whose repositories are two segments deep, whatever follows.
const TWO_DEEP: [&str; 3] = ["github.com", "bitbucket.org", "codeberg.org"];
/// The forge whose groups nest, so that all before `/-/` is the repository.
const NESTED: &str = "gitlab.com";
/// First segments under which a forge has pages of its own.
const NOT_OWNERS: [&str; 8] = ["sponsors", "orgs", "about", "features", "marketplace", "topics", "apps", "users"];
/// Longest address that is looked at.
const LONGEST: usize = 2048;

/// The repository that an address is in: host, owner and name in lower case, without scheme, user, suffix and what lies
/// below it (`github.com/owner/name`). Also reads what Maven (`scm:git:…`), npm (`github:owner/name`, `owner/name`) and
/// git (`git@host:owner/name`) write. Nothing where the host is no forge that is known.
pub fn repository_of(address: &str) -> Option<String> {
    let text = address.trim();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_whitespace) {
        return None;
    }
    let text = text.strip_prefix("scm:").map_or(text, |rest| rest.split_once(':').map_or(rest, |(_, rest)| rest));
    let text = text.split(['#', '?']).next().unwrap_or(text);
    for (short, host) in [("github:", "github.com"), ("gitlab:", "gitlab.com"), ("bitbucket:", "bitbucket.org")] {
        if let Some(path) = text.strip_prefix(short).filter(|path| !path.starts_with("//")) {
            return of_path(host, path);
        }
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    // what is before the at sign names a user, and may be a secret
    let rest = match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => rest,
    };
    let (host, path) = rest.split_once(['/', ':'])?;
    let path = match path.split_once('/') {
        Some((port, path)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => path,
        _ => path,
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let is_short = !text.contains("://") && !host.contains('.');
    if is_short { of_path("github.com", rest) } else { of_path(host, path) }
}

fn of_path(host: &str, path: &str) -> Option<String> {
    let path = path.split("/-/").next().unwrap_or(path);
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if host == NESTED {
        segments.truncate(segments.iter().position(|s| matches!(*s, "tree" | "blob" | "issues")).unwrap_or(20));
    } else if TWO_DEEP.contains(&host) {
        segments.truncate(2);
    } else {
        return None;
    }
    let last = segments.pop()?;
    segments.push(last.strip_suffix(".git").unwrap_or(last));
    let named = segments.len() >= 2 && !segments.first().is_some_and(|owner| NOT_OWNERS.contains(owner));
    let plain =
        |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (named && segments.iter().all(plain) && !segments.iter().any(|s| s.bytes().all(|b| b == b'.')))
        .then(|| format!("{host}/{}", segments.join("/")).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::repository_of;

    #[test]
    fn addresses_of_one_repository_are_one() {
        for address in [
            "https://github.com/Owner/Name",
            "http://www.github.com/owner/name.git",
            "git+https://github.com/owner/name.git#main",
            "git://github.com/owner/name",
            "git+ssh://git@github.com/owner/name.git",
            "git@github.com:owner/name.git",
            "ssh://git@github.com:22/owner/name",
            "scm:git:https://github.com/owner/name.git",
            "scm:git:git@github.com:owner/name.git",
            "github:owner/name",
            "owner/name",
            "https://github.com/owner/name/tree/main/packages/one",
            "github.com/owner/name/v2/sub",
            "https://user:secret@github.com/owner/name/issues?q=1",
        ] {
            assert_eq!(repository_of(address).as_deref(), Some("github.com/owner/name"), "{address}");
        }
        let nested = "https://gitlab.com/Group/sub/name/-/tree/main";
        assert_eq!(repository_of(nested).as_deref(), Some("gitlab.com/group/sub/name"));
    }

    #[test]
    fn what_is_no_repository_is_none() {
        for address in [
            "",
            "https://example.org/owner/name",
            "https://github.com/owner",
            "https://github.com/sponsors/owner",
            "https://github.com/../..",
            "https://github.com/owner/na me",
            "golang.org/x/text",
            "name",
            "://",
            "@/",
            "https://github.com/owner/.git",
        ] {
            assert_eq!(repository_of(address), None, "{address}");
        }
    }
}
