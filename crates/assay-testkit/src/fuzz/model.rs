//! Targets of `assay-model`: digests, package URLs, versions of every scheme.

use std::cmp::Ordering;

use assay_model::Digest;
use assay_model::ecosystem::Scheme;
use assay_model::purl::Purl;

use super::Target;

/// Versions of many ecosystems; each scheme gets all of them.
const VERSIONS: &[&str] = &[
    "1.0\n1.0.0\n1.0.1",
    "1!2.0.post1.dev3+local.7\n2.0rc1\n2.0a1",
    "1.2.3-beta.1+build\n1.2.3-beta.11\n1.2.3",
    "1:2.3~rc1-1+deb12u2\n2.3-1\n2.3-1~bpo1",
    "1.2.3_alpha1_p2-r3\n1.2.3b-r0\n1.2.3_git20200101",
    "1:1.0^git1-2.el8\n1.0~rc1-1\n1.0-1.1",
    "1.0-alpha-1\n1.0-SNAPSHOT\n1.0.Final",
    "1.0.0.pre1\n1.0.a.2\n1.0.0",
    "v0.0.0-20200101000000-abcdefabcdef\nv1.2.3+incompatible\nv2.0.0-rc.1",
    "dev-main\n1.0.x-dev\n1.0-patch1",
];

const PURLS: &[&str] = &[
    "pkg:pypi/requests@2.6.0",
    "pkg:npm/%40angular/core@12.0.0?vcs_url=git%2Bssh#lib/x",
    "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
    "pkg:oci/alpine@sha256%3Aabc?repository_url=127.0.0.1/x&tag=3.10",
    "pkg:golang/example.test/a/b@v1.2.3#sub/dir",
    "pkg:maven/org.x/y@1.0?type=zip&classifier=dist",
];

pub(super) fn targets() -> Vec<Target> {
    let mut all = vec![
        Target::new("model-digest", texts(&["sha256:", &format!("sha256:{}", "a1".repeat(32))]), digest),
        Target::new("model-purl", texts(PURLS), purl),
    ];
    for scheme in Scheme::ALL {
        let run = move |input: &[u8]| versions(scheme, input);
        all.push(Target::new(format!("version-{}", scheme.name()), texts(VERSIONS), run));
    }
    all
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// What is accepted is printed as it was read.
fn digest(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string().parse::<Digest>().ok().as_ref(), Some(&digest));
    }
}

/// The canonical text is a fixed point.
fn purl(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(purl) = text.parse::<Purl>() {
        let again = purl.as_str().parse::<Purl>();
        assert_eq!(again.as_ref().map(Purl::as_str).ok(), Some(purl.as_str()), "{text:?}");
    }
}

/// Three versions, one a line: the order is total on what it accepts.
fn versions(scheme: Scheme, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // PHP's placeholder for any number equals all of them, and so does an Arch version without its release; no order with
    // them is total.
    let total = |line: &&str| match scheme {
        Scheme::Packagist => !line.contains('#'),
        Scheme::Arch => line.contains('-'),
        _ => true,
    };
    let accepted: Vec<&str> =
        text.lines().filter(|line| scheme.compare(line, line).is_ok()).filter(total).take(3).collect();
    let order = |a: &str, b: &str| scheme.compare(a, b).unwrap_or_else(|bad| unaccepted(&bad.to_string()));
    for a in &accepted {
        assert_eq!(order(a, a), Ordering::Equal, "{a:?}");
        for b in &accepted {
            assert_eq!(order(a, b), order(b, a).reverse(), "{a:?} {b:?}");
            for c in &accepted {
                if order(a, b) != Ordering::Greater && order(b, c) != Ordering::Greater {
                    assert_ne!(order(a, c), Ordering::Greater, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}

#[allow(clippy::panic, reason = "a finding is told by a panic")]
fn unaccepted(bad: &str) -> Ordering {
    panic!("accepted alone, refused in a pair: {bad}")
}
