//! The fields that `input.v1` has beyond `input.v0`.

use super::{
    Field,
    Shape::{Keyed, Number, Object, Text, Word},
    field, flag, list, number, object, text, texts, time, v0_findings as findings, whole,
};

/// What `input.v1` has beyond `input.v0`; `vulnerabilities` replaces its namesake.
pub(super) const FIELDS: &[Field] = &[
    text("format", "Id of the format (pypi, oci, npm)"),
    texts("tags", "Names of all tags"),
    field("labels", Keyed(&[], &Text, "name"), "Labels of the repository"),
    time("published_at", "When its author published it, where that is known").or_null(),
    time("first_seen", "When it arrived here"),
    number("age_at_arrival_days", "Days between the two, where both are known").or_null(),
    text("requester", "Who asked for it, where a pull brought it here").or_null(),
    list("components", &Object(COMPONENT), "Everything that was found in it; the package itself is one"),
    object("os", OS, "Operating system, for images").or_null(),
    object("completeness", COMPLETENESS, "How complete the look inside was"),
    list("vulnerabilities", &Object(VULNERABILITY), "As in v0, merged over aliases, with everything known of each"),
    list("kev", &Object(EXPLOITED), "The findings that are known to be exploited"),
    list("malware", &Object(NAMED), "Components that an advisory calls malicious"),
    list("end_of_life", &Object(NAMED), "Components that their makers no longer maintain"),
    list("suppressed", &Object(SUPPRESSED), "Findings that a trusted statement or a waiver takes away, and why"),
    list("waivers", &Object(WAIVER), "Waivers in force for the repository"),
    list("secrets", &Object(SECRET), "Secrets in files, redacted"),
    list("licenses", &Object(LICENSE), "What components declare and what files contain"),
    object("scorecard", SCORECARD, "OpenSSF Scorecard of the project it is made from; null when unknown").or_null(),
    object("popularity", POPULARITY, "What catalogues of popular packages say about its name"),
    list("signatures", &Object(SIGNATURE), "Signatures and attestations that came with it"),
    list("provenance", &Object(SIGNATURE), "Those of them that say how it was built"),
    text("speaks_of", "Version of the same name about which it holds signatures or statements and nothing else")
        .or_null(),
    list("sources", &Object(FRESHNESS), "How fresh what is known is, by source"),
];

const COMPONENT: &[Field] = &[
    text("purl", "Package URL"),
    text("type", "Type of the package URL"),
    text("namespace", "Namespace; may be empty"),
    text("name", "Name"),
    text("version", "Version"),
    text("ecosystem", "OSV ecosystem with release").or_null(),
    text("path", "Where it was found"),
    text("layer", "Digest of the layer that has it, for images").or_null(),
    text("analyzer", "What found it"),
    flag("is_subject", "Whether it is the package itself"),
    text("owned_by", "Package of the operating system that it belongs to").or_null(),
    text("license", "Declared licences as one text").or_null(),
    list(
        "licenses",
        &Object(&[
            text("declared", "As written"),
            text("expression", "SPDX expression, where it is understood"),
            field("class", Word(CLASSES), "What it asks of users"),
        ]),
        "Declared licences",
    ),
    field(
        "relationship",
        Word(&["unknown", "root", "workspace", "direct", "indirect"]),
        "How a lock file or manifest has it",
    ),
    whole(
        "depth",
        "Steps of the shortest way from the package to it: 0 for itself, 1 for what it asks for; null when unknown",
    )
    .or_null(),
    flag("dev", "Whether only development needs it"),
    text("vendored_in", "What carries this copy inside itself; null for what is installed on its own").or_null(),
    texts("requires", "Declared requirements, as written"),
];

const CLASSES: &[&str] = &["unencumbered", "permissive", "notice", "reciprocal", "restricted", "forbidden", "unknown"];

const OS: &[Field] = &[
    text("id", "ID of os-release (alpine, debian)"),
    text("version", "Release"),
    text("name", "For people"),
    text("ecosystem", "OSV ecosystem").or_null(),
];

const COMPLETENESS: &[Field] = &[
    flag("inventoried", "Whether every file was looked into"),
    time("inventoried_at", "When the last inventory was made").or_null(),
    flag("complete", "Whether nothing was left out"),
    list(
        "skipped",
        &Object(&[
            text("path", "What was not read"),
            text("reason", "limit, encrypted, unsupported, corrupt, unsafe-path"),
            text("detail", "A sentence"),
        ]),
        "What was not read, and why",
    ),
];

const VULNERABILITY: &[Field] = &[
    findings::IDENTIFIER,
    findings::VULNERABILITY_ID,
    findings::TITLE,
    findings::SEVERITY,
    findings::CVSS,
    findings::EPSS,
    findings::PACKAGE_NAME,
    findings::FORMAT,
    findings::PATCHED,
    findings::VULNERABLE,
    findings::PUBLISHED,
    findings::SOURCE,
    texts("aliases", "Every other id of it"),
    list(
        "sources",
        &Object(&[
            text("advisory", "Id of the record"),
            text("name", "Prefix of its ids"),
            text("url", "Its page, where the record names one").or_null(),
        ]),
        "All records that say so",
    ),
    text("purl", "Package URL of the component"),
    text("package_version", "Version of the component"),
    whole("depth", "As components[].depth of the component").or_null(),
    text("status", "fixed, affected, will_not_fix, fix_deferred, end_of_life, under_investigation"),
    number("score", "Highest CVSS score of any source").or_null(),
    text("nearest_fixed", "The smallest fixed version above the one here").or_null(),
    object("kev", KEV, "Its entry in CISA's catalogue of known exploited vulnerabilities").or_null(),
    object("ssvc", SSVC, "Exploit maturity, by CISA's decision points").or_null(),
    object("vex", VEX, "The statement that speaks of it and counts").or_null(),
];

const KEV: &[Field] = &[
    text("cve", "CVE"),
    text("date_added", "Day it was added").or_null(),
    text("due_date", "Day by which agencies must act").or_null(),
    flag("ransomware", "Whether ransomware campaigns use it"),
    text("name", "Its name in the catalogue").or_null(),
];

const SSVC: &[Field] = &[
    field("exploitation", Word(&["none", "poc", "active", ""]), "Whether it is exploited"),
    field("automatable", Word(&["yes", "no", ""]), "Whether an attack can be automated"),
    field("technical_impact", Word(&["partial", "total", ""]), "How much an attacker gets"),
    text("at", "When it was said").or_null(),
];

const VEX: &[Field] = &[
    field("status", Word(STATUSES), "What is said"),
    text("justification", "Why it is not affected (vulnerable_code_not_present)").or_null(),
    text("statement", "A sentence").or_null(),
    text("author", "Who said it"),
    flag("trusted", "Whether the workspace takes this author's word"),
    text("document", "Id of the document"),
    time("at", "When it was said").or_null(),
];

const STATUSES: &[&str] = &["not_affected", "affected", "fixed", "under_investigation"];

const EXPLOITED: &[Field] = &[
    findings::IDENTIFIER,
    findings::PACKAGE_NAME,
    text("purl", "Package URL of the component"),
    text("cve", "CVE"),
    text("date_added", "Day it was added").or_null(),
    text("due_date", "Day by which agencies must act").or_null(),
    flag("ransomware", "Whether ransomware campaigns use it"),
    text("name", "Its name in the catalogue").or_null(),
];

const NAMED: &[Field] = &[
    text("identifier", "Id"),
    texts("aliases", "Every other id of it"),
    text("title", "One line"),
    text("package_name", "Name of the component"),
    text("package_version", "Version of the component"),
    text("purl", "Package URL of the component").or_null(),
    findings::PUBLISHED,
    findings::SOURCE,
];

const SUPPRESSED: &[Field] = &[
    findings::IDENTIFIER,
    texts("aliases", "Every other id of it"),
    text("title", "One line"),
    findings::SEVERITY,
    field("kind", Word(&["vulnerability", "malware", "end_of_life"]), "What it is"),
    text("package_name", "Name of the component"),
    text("package_version", "Version of the component"),
    text("purl", "Package URL of the component"),
    field("by", Word(&["vex", "waiver"]), "What takes it away"),
    object("vex", VEX, "The statement, where one takes it away").or_null(),
    texts("waivers", "Ids of the waivers that take it away"),
];

const WAIVER: &[Field] = &[
    text("id", "Identity"),
    text("reason", "Why"),
    text("author", "Who asked for it"),
    text("approver", "Who approved it").or_null(),
    time("created_at", "When it was asked for"),
    time("expires_at", "When it ends"),
    texts("vulnerabilities", "Ids of vulnerabilities; none means verdicts about whole packages"),
    list(
        "packages",
        &Object(&[text("purl", "Package URL"), text("versions", "Range of versions; empty for all")]),
        "Which packages or components; none means all",
    ),
    texts("repositories", "Names of repositories, with *; none means all"),
    texts("policies", "Policies that it holds against; none means all"),
];

const SECRET: &[Field] = &[
    text("rule", "What found it"),
    text("category", "Whose secret"),
    text("title", "What it is"),
    findings::SEVERITY,
    text("path", "File"),
    text("layer", "Digest of the layer, for images").or_null(),
    whole("first_line", "First line, from 1"),
    whole("last_line", "Last line"),
    text("matched", "The line, the secret replaced by *"),
];

const LICENSE: &[Field] = &[
    text("expression", "SPDX, or as written"),
    list("choices", &Object(CHOICE), "The ways to satisfy the expression, of which one is enough"),
    field("class", Word(CLASSES), "What it asks of users"),
    field("evidence", Word(&["declared", "text", "header"]), "Where it was told"),
    whole("confidence", "How sure, in percent"),
    text("path", "File"),
    text("layer", "Digest of the layer, for images").or_null(),
    text("package_name", "Component that declares it; null for files").or_null(),
    text("purl", "The same as a package URL").or_null(),
    flag("is_subject", "Whether that is the package itself"),
];

const CHOICE: &[Field] =
    &[texts("terms", "Licences that hold together: `MIT`, `GPL-2.0-only WITH Classpath-exception-2.0`")];

const SCORECARD: &[Field] = &[
    text("repository", "Source repository without scheme"),
    number("score", "Aggregate score, 0 to 10"),
    field("checks", Keyed(&[], &Number, "check"), "Scores of checks, 0 to 10; -1 where one could not be made"),
    text("date", "Day of the run"),
];

const POPULARITY: &[Field] = &[
    flag("known", "Whether there is a catalogue for its kind at all"),
    whole("rank", "Place in the catalogue, from 1; null when it is not in it").or_null(),
    whole("downloads", "Downloads in the catalogue's period").or_null(),
    list(
        "similar",
        &Object(&[
            text("name", "The popular package"),
            whole("rank", "Its place in the catalogue"),
            whole("downloads", "Its downloads").or_null(),
            whole("distance", "Edits between the names"),
        ]),
        "Popular packages whose names differ by little, nearest first; empty for a popular package",
    ),
];

const SIGNATURE: &[Field] = &[
    text("kind", "signature, provenance, or another type of statement"),
    text("form", "How it is made (cosign, dsse, sigstore-bundle, npm-registry, pep740, openpgp, in-toto)"),
    text("path", "What holds it"),
    flag(
        "verified",
        "Whether it was checked against a trusted key or identity and holds; null where none is configured",
    )
    .or_null(),
    text("signer", "Who signed: a key's name, or an identity").or_null(),
    text("issuer", "Who vouches for the identity").or_null(),
    text("predicate_type", "Type of a statement's predicate (https://slsa.dev/provenance/v1)").or_null(),
    text("builder", "Who built it, as provenance says").or_null(),
    text("source", "Repository that provenance says it was built from, without scheme").or_null(),
    text("commit", "Commit that provenance says it was built from").or_null(),
    text("detail", "Why it was not verified").or_null(),
];

const FRESHNESS: &[Field] = &[
    text("id", "Id of the source"),
    time("synced_at", "Last success").or_null(),
    flag("stale", "Whether it is older than its limit"),
];
