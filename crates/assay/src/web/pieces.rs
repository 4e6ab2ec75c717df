//! Small things that many pages show: times, sizes, states, severities, events. Each escapes by itself or is plain text.

use super::query::address;
use askama::filters::HtmlSafe;
use assay_model::{event::Event, finding::Severity, inventory::LicenseClass, package::State};
use jiff::Timestamp;
use std::{collections::BTreeMap, fmt};

/// A moment: a `time` element in UTC.
#[derive(Clone, Copy)]
pub(super) struct When(pub(super) Timestamp);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exact, shown) = (self.0.strftime("%Y-%m-%dT%H:%M:%SZ"), self.0.strftime("%Y-%m-%d %H:%M:%S"));
        write!(f, "<time datetime=\"{exact}\">{shown} UTC</time>")
    }
}
impl HtmlSafe for When {}

/// A state as a badge.
#[derive(Clone, Copy)]
pub(super) struct StateBadge(pub(super) State);

impl fmt::Display for StateBadge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.as_str();
        write!(f, "<span class=\"badge state-{word}\">{word}</span>")
    }
}
impl HtmlSafe for StateBadge {}

/// A severity as a badge.
#[derive(Clone, Copy)]
pub(super) struct SeverityBadge(pub(super) Severity);

impl fmt::Display for SeverityBadge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = word(self.0);
        write!(f, "<span class=\"badge severity-{word}\">{word}</span>")
    }
}
impl HtmlSafe for SeverityBadge {}

/// The class of a licence as a badge, in the colours of severities.
#[derive(Clone, Copy)]
pub(super) struct ClassBadge(pub(super) LicenseClass);

impl fmt::Display for ClassBadge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colour = match self.0 {
            LicenseClass::Forbidden => Severity::Critical,
            LicenseClass::Restricted => Severity::High,
            LicenseClass::Reciprocal => Severity::Medium,
            LicenseClass::Notice | LicenseClass::Permissive | LicenseClass::Unencumbered => Severity::Low,
            LicenseClass::Unknown => Severity::Unknown,
        };
        write!(f, "<span class=\"badge severity-{}\">{}</span>", word(colour), self.0.as_str())
    }
}
impl HtmlSafe for ClassBadge {}

/// Every severity, worst first.
pub(super) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

/// Every state that a list can show.
pub(super) const STATES: [State; 4] = [State::Available, State::Quarantined, State::Pending, State::Hidden];

/// A severity in lower case: part of a class name, and read aloud better than capitals.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// `2 critical, 1 low`.
pub(super) fn counts(findings: &BTreeMap<Severity, usize>) -> String {
    let parts: Vec<String> = findings.iter().rev().map(|(s, n)| format!("{n} {}", word(*s))).collect();
    parts.join(", ")
}

/// The same, and how many beside them were taken away by statements and waivers.
pub(super) fn counts_and_suppressed(
    findings: &BTreeMap<Severity, usize>,
    suppressed: &BTreeMap<Severity, usize>,
) -> String {
    let taken: usize = suppressed.values().sum();
    let taken = if taken > 0 { format!("{taken} suppressed") } else { String::new() };
    [counts(findings), taken].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Bytes for people, binary prefixes.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `1 package`, `2 packages`.
pub(super) fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// The beginning of a digest, enough to recognise it.
pub(super) fn short(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.chars().take(12).collect()
}

/// Text with its SHA-256 digests cut to what people compare: `alpine@sha256:73a958577213…`.
pub(super) fn readable(text: &str) -> String {
    const MARK: &str = "sha256:";
    let (mut all, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(MARK) {
        let (before, digest) = rest.split_at(at + MARK.len());
        let hex = digest.bytes().take_while(u8::is_ascii_hexdigit).count();
        all.push_str(before);
        if hex == 64 {
            all.extend(digest.chars().take(12));
            all.push('…');
        } else {
            all.push_str(&digest[..hex]);
        }
        rest = &digest[hex..];
    }
    all + rest
}

/// A JSON value over several lines; nothing for null and empty objects.
pub(super) fn pretty(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::Object(map) if map.is_empty() => String::new(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// A line of the log.
pub(super) struct EventLine {
    pub(super) seq: i64,
    pub(super) at: When,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) subject: String,
    /// The subject with digests cut.
    pub(super) shown: String,
    /// Where the subject is shown, when it is a package.
    pub(super) href: Option<String>,
    pub(super) filter: String,
    pub(super) body: String,
    pub(super) hash: String,
}

impl EventLine {
    pub(super) fn of(event: Event) -> Self {
        let package = event.subject.contains('@') && event.subject.matches('/').count() >= 2;
        Self {
            seq: event.seq,
            at: When(event.at),
            href: package.then(|| address("/ui/packages/find", &[("what", Some(&event.subject))])),
            filter: address("/ui/log", &[("subject", Some(&event.subject))]),
            shown: readable(&event.subject),
            body: pretty(&event.body),
            kind: event.kind,
            actor: event.actor,
            subject: event.subject,
            hash: event.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!([size(0), size(1023), size(1024), size(5 << 30)], ["0 B", "1023 B", "1.0 KiB", "5.0 GiB"]);
    }

    #[test]
    fn digests_are_cut_and_other_text_is_not() {
        let digest = assay_model::digest::Digest::of(b"x");
        assert_eq!(readable(&format!("a@{digest} (b)")), "a@sha256:2d711642b726… (b)");
        assert_eq!(readable("sha256:00 é sha256:"), "sha256:00 é sha256:");
    }

    #[test]
    fn badges_say_it_in_words_too() {
        assert_eq!(SeverityBadge(Severity::High).to_string(), "<span class=\"badge severity-high\">high</span>");
        assert_eq!(StateBadge(State::Hidden).to_string(), "<span class=\"badge state-hidden\">hidden</span>");
        assert_eq!(counts(&BTreeMap::from([(Severity::Low, 1), (Severity::Critical, 2)])), "2 critical, 1 low");
    }
}
