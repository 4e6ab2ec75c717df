//! Names of licences as people write them. Families of licences are told by their words, their versions by numbers.

use super::expression::{Expression, PUBLIC_DOMAIN, parse};
use super::list::{by_name, listed};

/// Words that say nothing about which licence it is.
const IDLE: [&str; 25] = [
    "the",
    "license",
    "licence",
    "licensed",
    "licenses",
    "under",
    "terms",
    "of",
    "a",
    "an",
    "version",
    "ver",
    "v",
    "software",
    "public",
    "open",
    "source",
    "osi",
    "approved",
    "agreement",
    "style",
    "type",
    "as",
    "is",
    "foundation",
];

/// What is left of a name, sorted by nothing but sense: the words, and the identifier without its version (`-` at its end)
/// or with the version that is meant when none is written.
const FAMILIES: [(&str, &str, &str); 96] = [
    ("apache", "Apache-", "2.0"),
    ("apache asl", "Apache-", "2.0"),
    ("asl", "Apache-", "2.0"),
    ("al", "Apache-", "2.0"),
    ("mit", "MIT", ""),
    ("mit mit", "MIT", ""),
    ("expat", "MIT", ""),
    ("mit expat", "MIT", ""),
    ("expat mit", "MIT", ""),
    ("mit x11", "MIT", ""),
    ("x11 mit", "MIT", ""),
    ("mit no attribution", "MIT-0", ""),
    ("x11", "X11", ""),
    ("isc", "ISC", ""),
    ("isc iscl", "ISC", ""),
    ("iscl", "ISC", ""),
    ("mozilla", "MPL-", "2.0"),
    ("mozilla mpl", "MPL-", "2.0"),
    ("mpl", "MPL-", "2.0"),
    ("eclipse", "EPL-", "1.0"),
    ("eclipse epl", "EPL-", "1.0"),
    ("epl", "EPL-", "1.0"),
    ("eclipse distribution", "BSD-3-Clause", ""),
    ("eclipse distribution edl", "BSD-3-Clause", ""),
    ("edl", "BSD-3-Clause", ""),
    ("common development and distribution", "CDDL-", "1.0"),
    ("common development and distribution cddl", "CDDL-", "1.0"),
    ("cddl", "CDDL-", "1.0"),
    ("common", "CPL-", "1.0"),
    ("cpl", "CPL-", "1.0"),
    ("european union", "EUPL-", "1.2"),
    ("european union eupl", "EUPL-", "1.2"),
    ("eupl", "EUPL-", "1.2"),
    ("artistic", "Artistic-", "1.0"),
    ("perl artistic", "Artistic-1.0-Perl", ""),
    ("academic free", "AFL-", "3.0"),
    ("academic free afl", "AFL-", "3.0"),
    ("afl", "AFL-", "3.0"),
    ("osl", "OSL-", "3.0"),
    ("boost", "BSL-", "1.0"),
    ("boost bsl", "BSL-", "1.0"),
    ("boost bsl 1.0", "BSL-", "1.0"),
    ("bsl", "BSL-", "1.0"),
    ("zope", "ZPL-", "2.1"),
    ("zpl", "ZPL-", "2.1"),
    ("python", "PSF-2.0", ""),
    ("python psf", "PSF-2.0", ""),
    ("psf", "PSF-2.0", ""),
    ("psfl", "PSF-2.0", ""),
    ("cnri python", "CNRI-Python", ""),
    ("zlib", "Zlib", ""),
    ("zlib libpng", "Zlib", ""),
    ("libpng", "Libpng", ""),
    ("unlicense", "Unlicense", ""),
    ("unlicense unlicense", "Unlicense", ""),
    ("wtfpl", "WTFPL", ""),
    ("do what fuck you want to", "WTFPL", ""),
    ("cc0", "CC0-", "1.0"),
    ("cc0 universal", "CC0-", "1.0"),
    ("creative commons zero", "CC0-", "1.0"),
    ("cc by", "CC-BY-", "4.0"),
    ("cc by sa", "CC-BY-SA-", "4.0"),
    ("cc by nd", "CC-BY-ND-", "4.0"),
    ("cc by nc", "CC-BY-NC-", "4.0"),
    ("cc by nc sa", "CC-BY-NC-SA-", "4.0"),
    ("cc by nc nd", "CC-BY-NC-ND-", "4.0"),
    ("creative commons attribution", "CC-BY-", "4.0"),
    ("creative commons attribution share alike", "CC-BY-SA-", "4.0"),
    ("domain", PUBLIC_DOMAIN, ""),
    ("pd", PUBLIC_DOMAIN, ""),
    ("sleepycat", "Sleepycat", ""),
    ("ruby", "Ruby", ""),
    ("ruby's", "Ruby", ""),
    ("php", "PHP-", "3.01"),
    ("vim", "Vim", ""),
    ("postgresql", "PostgreSQL", ""),
    ("openssl", "OpenSSL", ""),
    ("w3c", "W3C", ""),
    ("curl", "curl", ""),
    ("ntp", "NTP", ""),
    ("tcl", "TCL", ""),
    ("sil font", "OFL-", "1.1"),
    ("sil font ofl", "OFL-", "1.1"),
    ("ofl", "OFL-", "1.1"),
    ("hpnd", "HPND", ""),
    ("historical permission notice and disclaimer hpnd", "HPND", ""),
    ("upl", "UPL-", "1.0"),
    ("universal permissive", "UPL-", "1.0"),
    ("ms pl", "MS-PL", ""),
    ("microsoft ms pl", "MS-PL", ""),
    ("sspl", "SSPL-", "1.0"),
    ("server side", "SSPL-", "1.0"),
    ("business", "BUSL-", "1.1"),
    ("elastic", "Elastic-", "2.0"),
    ("beerware", "Beerware", ""),
    ("ncsa", "NCSA", ""),
];

/// Links, without their scheme, `www.` and ending.
const LINKS: [(&str, &str); 24] = [
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    ("apache.org/licenses", "Apache-2.0"),
    ("opensource.org/license/mit", "MIT"),
    ("opensource.org/licenses/mit-license", "MIT"),
    ("opensource.org/licenses/bsd-license", "BSD-2-Clause"),
    ("opensource.org/licenses/gpl-2.0", "GPL-2.0-only"),
    ("opensource.org/licenses/gpl-3.0", "GPL-3.0-only"),
    ("gnu.org/licenses/gpl", "GPL-3.0-only"),
    ("gnu.org/licenses/gpl-2.0", "GPL-2.0-only"),
    ("gnu.org/licenses/gpl-3.0", "GPL-3.0-only"),
    ("gnu.org/licenses/old-licenses/gpl-2.0", "GPL-2.0-only"),
    ("gnu.org/licenses/lgpl", "LGPL-3.0-only"),
    ("gnu.org/licenses/lgpl-2.1", "LGPL-2.1-only"),
    ("gnu.org/licenses/lgpl-3.0", "LGPL-3.0-only"),
    ("gnu.org/licenses/old-licenses/lgpl-2.1", "LGPL-2.1-only"),
    ("gnu.org/licenses/agpl-3.0", "AGPL-3.0-only"),
    ("mozilla.org/mpl/2.0", "MPL-2.0"),
    ("mozilla.org/en-us/mpl/2.0", "MPL-2.0"),
    ("eclipse.org/legal/epl-v10", "EPL-1.0"),
    ("eclipse.org/legal/epl-2.0", "EPL-2.0"),
    ("eclipse.org/org/documents/edl-v10", "BSD-3-Clause"),
    ("creativecommons.org/publicdomain/zero/1.0", "CC0-1.0"),
    ("unlicense.org", "Unlicense"),
    ("glassfish.dev.java.net/public/cddl+gpl", "CDDL-1.0"),
];

/// Exceptions by a word of theirs, for the GNU licences: for version 2, and for version 3.
const EXCEPTIONS: [(&str, &str, &str); 8] = [
    ("classpath", "Classpath-exception-2.0", "Classpath-exception-2.0"),
    ("cpe", "Classpath-exception-2.0", "Classpath-exception-2.0"),
    ("autoconf", "Autoconf-exception-2.0", "Autoconf-exception-3.0"),
    ("bison", "Bison-exception-2.2", "Bison-exception-2.2"),
    ("gcc", "GCC-exception-2.0", "GCC-exception-3.1"),
    ("font", "Font-exception-2.0", "Font-exception-2.0"),
    ("libtool", "Libtool-exception", "Libtool-exception"),
    ("linux", "Linux-syscall-note", "Linux-syscall-note"),
];

/// One licence under any of its names.
pub(super) fn one(written: &str) -> Option<Expression> {
    let name = written.rsplit("::").next().unwrap_or(written).trim().trim_matches(['"', '\'']);
    if name.is_empty() || name.len() > 200 || name.eq_ignore_ascii_case("unlicensed") {
        return None;
    }
    if let Some(known) = listed(name) {
        return Some(Expression::of(known.current()));
    }
    if name == PUBLIC_DOMAIN {
        return Some(Expression::Id(name.to_owned()));
    }
    if name.starts_with("http://") || name.starts_with("https://") {
        return link(name);
    }
    let words = words(name);
    let (versions, rest): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| is_version(word));
    let version = versions.first().map(|version| version.trim_end_matches('+'));
    let short = |version: &str| version.trim_end_matches('+').trim_end_matches(".0").to_owned();
    if name.contains('|') || versions.iter().any(|other| version.is_some_and(|first| short(first) != short(other))) {
        // Two versions are two licences.
        return None;
    }
    gnu(&words, version)
        .or_else(|| bsd(&words))
        .or_else(|| family(&rest, version))
        .or_else(|| by_name(name, squash).map(|known| Expression::of(known.current())))
        .or_else(|| perl(&words))
}

/// Several licences with the words of expressions between them, where people write commas, slashes and the like.
pub(super) fn connected(written: &str) -> String {
    let links = written.contains("://");
    let mut text = written.replace(", and ", " and ").replace(", or ", " or ").replace(" and/or ", " or ");
    for (mark, word) in [(", ", " and "), ("; ", " and "), (" & ", " and "), (" + ", " and "), ("|", " or ")] {
        text = text.replace(mark, word);
    }
    if links { text } else { text.replace('/', " or ") }
}

fn link(written: &str) -> Option<Expression> {
    let lower = written.to_ascii_lowercase();
    let bare = lower.split("://").nth(1)?.trim_start_matches("www.").trim_end_matches('/');
    let bare = [".txt", ".html", ".htm", ".php"].iter().fold(bare, |bare, ending| bare.trim_end_matches(ending));
    if let Some((_, id)) = LINKS.iter().find(|(known, _)| *known == bare) {
        return Some(Expression::Id((*id).to_owned()));
    }
    let id = ["opensource.org/licenses/", "opensource.org/license/", "spdx.org/licenses/"]
        .iter()
        .find_map(|prefix| bare.strip_prefix(prefix))?;
    listed(id).map(|known| Expression::of(known.current()))
}

/// Lower-case words; versions lose their `v`, and what joins words is gone.
fn words(name: &str) -> Vec<String> {
    let spaced: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() || ".+'>=".contains(c) { c } else { ' ' })
        .collect();
    let mut words = Vec::new();
    for word in spaced.split_whitespace() {
        let word = word.trim_matches(['.', '\'']);
        // `gplv2+`, `lgpl2.1`, `mpl2`: a name with its version.
        let digits = word.find(|c: char| c.is_ascii_digit()).filter(|at| *at > 0);
        let (stem, version) = digits.map_or((word, ""), |at| word.split_at(at));
        let known =
            ["gplv", "gpl", "mplv", "mpl", "eplv", "epl", "eupl", "apachev", "apache", "v", "gfdl", "bsd", "zplv"];
        if !version.is_empty() && is_version(version) && known.iter().any(|known| stem.ends_with(known)) {
            words.extend(Some(stem.strip_suffix('v').unwrap_or(stem).to_owned()).filter(|stem| !stem.is_empty()));
            words.push(version.to_owned());
        } else if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    words
}

fn is_version(word: &str) -> bool {
    let plain = word.strip_suffix('+').unwrap_or(word);
    plain.starts_with(|c: char| c.is_ascii_digit()) && plain.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn squash(name: &str) -> String {
    words(name).into_iter().filter(|word| !IDLE.contains(&word.as_str())).collect::<Vec<_>>().join(" ")
}

fn family(words: &[&String], version: Option<&str>) -> Option<Expression> {
    let told: Vec<&str> = words.iter().map(|word| word.as_str()).filter(|word| !IDLE.contains(word)).collect();
    let mut names: Vec<&str> = Vec::new();
    for word in told {
        // A name followed by its abbreviation, which often repeats it.
        if names.last() != Some(&word) {
            names.push(word);
        }
    }
    let name = names.join(" ");
    let (_, id, usual) = FAMILIES.iter().find(|(known, _, _)| *known == name)?;
    if !id.ends_with('-') {
        return Some(Expression::Id((*id).to_owned()));
    }
    let version = version.unwrap_or(usual);
    let candidates = [format!("{id}{version}"), format!("{id}{version}.0")];
    candidates.iter().find_map(|id| listed(id)).map(|known| Expression::of(known.current()))
}

/// The GNU licences: which of them, which version, that one only or later ones too, and exceptions.
fn gnu(words: &[String], version: Option<&str>) -> Option<Expression> {
    let has = |word: &str| words.iter().any(|one| one == word);
    let general = has("gnu") || has("general") && has("public");
    let family = if has("agpl") || has("affero") {
        "AGPL"
    } else if has("lgpl") || general && (has("lesser") || has("library")) {
        "LGPL"
    } else if has("gfdl") || has("fdl") || general && has("documentation") {
        "GFDL"
    } else if has("gpl") || general {
        "GPL"
    } else {
        return None;
    };
    if !words.iter().all(|word| is_of_gnu(word)) {
        return None;
    }
    let later = words.iter().any(|word| word.ends_with('+') || word == ">=" || word == "later" || word == "newer")
        || words.iter().any(|word| word.starts_with(">="));
    let version =
        version.or_else(|| words.iter().find_map(|word| word.strip_prefix(">=").filter(|rest| is_version(rest))));
    let (version, later) = match (family, version) {
        ("LGPL", None) => ("2.0", true),
        ("AGPL", None) => ("3.0", later),
        ("GFDL", None) => ("1.1", true),
        (_, None) => ("1.0", true),
        (_, Some(version)) => (version, later),
    };
    let suffix = if later { "or-later" } else { "only" };
    let id = [format!("{family}-{version}-{suffix}"), format!("{family}-{version}.0-{suffix}")]
        .iter()
        .find_map(|id| listed(id))?
        .id;
    if !has("exception") && !has("exceptions") && !has("with") && !has("cpe") {
        return Some(Expression::Id(id.to_owned()));
    }
    let (_, second, third) = EXCEPTIONS.iter().find(|(word, _, _)| has(word))?;
    let exception = if version.starts_with('3') { third } else { second };
    Some(Expression::With(id.to_owned(), (*exception).to_owned()))
}

/// Words that stand in names of GNU licences. Anything else there is another licence, or a condition.
fn is_of_gnu(word: &str) -> bool {
    const WORDS: [&str; 29] = [
        "gnu",
        "general",
        "gpl",
        "lgpl",
        "agpl",
        "affero",
        "lesser",
        "library",
        "gfdl",
        "fdl",
        "free",
        "documentation",
        "or",
        "any",
        "later",
        "newer",
        "only",
        "with",
        "exception",
        "exceptions",
        "at",
        "your",
        "option",
        "and",
        "above",
        ">=",
        "ce",
        "clause",
        "path",
    ];
    IDLE.contains(&word)
        || WORDS.contains(&word)
        || is_version(word.trim_start_matches(">="))
        || EXCEPTIONS.iter().any(|(known, _, _)| *known == word)
}

fn bsd(words: &[String]) -> Option<Expression> {
    let has = |word: &str| words.iter().any(|one| one == word);
    if !has("bsd") {
        return None;
    }
    const WORDS: [&str; 20] = [
        "bsd",
        "clause",
        "clauses",
        "new",
        "revised",
        "modified",
        "simplified",
        "original",
        "old",
        "freebsd",
        "2",
        "3",
        "4",
        "0",
        "zero",
        "two",
        "three",
        "four",
        "or",
        "like",
    ];
    if !words.iter().all(|word| IDLE.contains(&word.as_str()) || WORDS.contains(&word.as_str())) {
        return None;
    }
    let id = if has("0") || has("zero") {
        "0BSD"
    } else if has("2") || has("two") || has("simplified") || has("freebsd") {
        "BSD-2-Clause"
    } else if has("4") || has("four") || has("original") || has("old") {
        "BSD-4-Clause"
    } else {
        "BSD-3-Clause"
    };
    Some(Expression::Id(id.to_owned()))
}

/// "The same terms as Perl itself".
fn perl(words: &[String]) -> Option<Expression> {
    let told: Vec<&str> = words.iter().map(String::as_str).filter(|word| !IDLE.contains(word)).collect();
    let is_perl = matches!(told.as_slice(), ["perl"] | ["perl", "5"] | ["same", "perl"] | ["same", "perl", "itself"]);
    is_perl.then(|| parse("Artistic-1.0-Perl OR GPL-1.0-or-later", &|id| Some(Expression::of(id))))?
}
