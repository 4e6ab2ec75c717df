//! The fields of findings: `vulnerabilities`, `security_scan` and `osv`.

use super::{
    Field,
    Shape::{self, Free, Keyed, List, Object, Text, Word},
    field, list, number, object, text, texts,
};

const SEVERITIES: &[&str] = &["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

/// The severity of anything.
pub(super) const SEVERITY: Field = field("severity", Word(SEVERITIES), "The worst word of any source, after scores");

/// `vulnerabilities[]`.
pub(super) const VULNERABILITY: &[Field] = &[
    IDENTIFIER,
    VULNERABILITY_ID,
    TITLE,
    SEVERITY,
    CVSS,
    EPSS,
    PACKAGE_NAME,
    FORMAT,
    PATCHED,
    VULNERABLE,
    PUBLISHED,
    SOURCE,
];

pub(super) const IDENTIFIER: Field = text("identifier", "CVE where there is one, else the first source's id");
pub(super) const VULNERABILITY_ID: Field = text("VulnerabilityID", "The same, under its other name");
pub(super) const TITLE: Field = text("title", "One line");
pub(super) const CVSS: Field =
    field("cvss", Keyed(&[], &Object(SCORES), "source"), "Scores and vectors by source (nvd, ghsa, ...)");
pub(super) const EPSS: Field = object(
    "epss",
    &[
        number("score", "Probability of exploitation in the next 30 days, 0 to 1"),
        number("percentile", "Share of CVEs with the same or a lower score, 0 to 1"),
    ],
    "Exploit prediction (FIRST EPSS); null when unknown",
)
.or_null();
pub(super) const PACKAGE_NAME: Field = text("package_name", "Name of the component");
pub(super) const FORMAT: Field = text("format", "Kind of the component, as policies call its format");
pub(super) const PATCHED: Field = texts("patched_versions", "Versions that fix it, in order");
pub(super) const VULNERABLE: Field = texts("vulnerable_versions", "Ranges of vulnerable versions, for people");
pub(super) const PUBLISHED: Field = text("published_date", "First publication by any source, RFC 3339").or_null();
pub(super) const SOURCE: Field = object(
    "source",
    &[
        text("name", "Prefix of the first source's ids (GHSA, PYSEC, ...)").or_null(),
        text("url", "Page of its record").or_null(),
    ],
    "The first source",
);

const SCORES: &[Field] = &[
    number("V2Score", "CVSS 2 base score, 0 to 10").or_null(),
    text("V2Vector", "CVSS 2 vector").or_null(),
    number("V3Score", "CVSS 3 base score, 0 to 10").or_null(),
    text("V3Vector", "CVSS 3 vector").or_null(),
    number("V40Score", "CVSS 4.0 score, 0 to 10").or_null(),
    text("V40Vector", "CVSS 4.0 vector").or_null(),
];

/// `security_scan`.
pub(super) const SCAN: Shape = Keyed(
    &[field("Vulnerabilities", List(&Object(TRIVY)), "Vulnerabilities of all results: the older form")],
    &Object(RESULT),
    "result",
);

const RESULT: &[Field] = &[
    text("Target", "What was looked at"),
    field("Class", Word(&["os-pkgs", "lang-pkgs"]), "Packages of the operating system, or of a language"),
    text("Type", "Operating system, or type of package URL"),
    list("Vulnerabilities", &Object(TRIVY), "Vulnerabilities of this result"),
];

const TRIVY: &[Field] = &[
    text("VulnerabilityID", "CVE where there is one, else the first source's id"),
    texts("VendorIDs", "Ids of the records behind it"),
    text("PkgName", "Name of the component"),
    text("PkgID", "Name and version"),
    text("PkgPath", "Where it was found").maybe(),
    object("PkgIdentifier", &[text("PURL", "Package URL of the component")], "Identity of the component"),
    text("InstalledVersion", "Version of the component"),
    text("FixedVersion", "Versions that fix it; absent without a fix").maybe(),
    text("Status", "fixed, affected, will_not_fix, fix_deferred, end_of_life, under_investigation"),
    object("Layer", &[text("Digest", "Digest of the layer")], "The layer of an image that has it").maybe(),
    field("Severity", Word(SEVERITIES), "The worst word of any source, after scores"),
    field("CVSS", Keyed(&[], &Object(TRIVY_SCORES), "source"), "Scores and vectors by source; absent when unknown"),
    text("Title", "One line").maybe(),
    text("Description", "In the records of osv").maybe().never(),
    text("PublishedDate", "First publication by any source, RFC 3339").maybe(),
    text("LastModifiedDate", "In the records of osv").maybe().never(),
    text("PrimaryURL", "Page of the first source's record").maybe(),
];

const TRIVY_SCORES: &[Field] = &[
    number("V2Score", "CVSS 2 base score, 0 to 10").maybe(),
    text("V2Vector", "CVSS 2 vector").maybe(),
    number("V3Score", "CVSS 3 base score, 0 to 10").maybe(),
    text("V3Vector", "CVSS 3 vector").maybe(),
    number("V40Score", "CVSS 4.0 score, 0 to 10").maybe(),
    text("V40Vector", "CVSS 4.0 vector").maybe(),
];

/// `osv[]`: the OSV schema 1.7.
pub(super) const RECORD: &[Field] = &[
    text("id", "Id of the record (GHSA-..., PYSEC-..., MAL-...)"),
    text("modified", "Last change by its author, RFC 3339"),
    text("published", "First publication").or_null(),
    text("withdrawn", "When its author took it back").or_null(),
    texts("aliases", "Other ids of the same vulnerability"),
    texts("upstream", "Vulnerabilities that a distribution's record is about"),
    texts("related", "Loosely related ids"),
    text("summary", "One line").or_null(),
    text("details", "Longer text, Markdown").or_null(),
    list("severity", &Object(RATING), "Of the whole record"),
    list("affected", &Object(AFFECTED), "Which versions of which packages"),
    list("references", &Free, "Links: type and url"),
    list("credits", &Free, "Thanks").maybe(),
    text("schema_version", "Version of the OSV schema").maybe(),
    field("database_specific", Free, "The source's own data: any JSON").maybe(),
];

const RATING: &[Field] = &[
    text("type", "CVSS_V2, CVSS_V3, CVSS_V4, Ubuntu"),
    text("score", "The vector, or Ubuntu's word"),
    number("numerical_score", "Score of the vector, where it is known").maybe(),
];

const AFFECTED: &[Field] = &[
    object(
        "package",
        &[
            text("ecosystem", "OSV ecosystem (PyPI, Debian:12)"),
            text("name", "Name in that ecosystem"),
            text("purl", "Package URL without version").maybe(),
        ],
        "Which package",
    ),
    list("ranges", &Object(RANGE), "Ranges of versions").maybe(),
    field("versions", List(&Text), "Versions named one by one").maybe(),
    list("severity", &Object(RATING), "For this package only").maybe(),
    field("ecosystem_specific", Free, "Any JSON").maybe(),
    field("database_specific", Free, "Any JSON").maybe(),
];

const RANGE: &[Field] = &[
    text("type", "SEMVER, ECOSYSTEM, GIT"),
    text("repo", "Repository, for GIT").maybe(),
    list(
        "events",
        &Object(&[
            text("introduced", "First affected version; 0 is before all").maybe(),
            text("fixed", "First version that is not").maybe(),
            text("last_affected", "Last affected version").maybe(),
            text("limit", "Upper bound").maybe(),
        ]),
        "What happened at which version",
    ),
    field("database_specific", Free, "Any JSON").maybe(),
];
