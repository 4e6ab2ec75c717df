//! The fields of `input.v0` but those of findings.

use super::{
    Field,
    Shape::{Free, Keyed, List, Object, Text, Word},
    field, flag, list, number, object, text, time, v0_findings as findings, whole,
};

/// `input.v0`.
pub(super) const FIELDS: &[Field] = &[
    object("package", PACKAGE, "The package that is decided"),
    object("repository", REPOSITORY, "Where it is stored"),
    object("workspace", WORKSPACE, "The installation"),
    object(
        "identity",
        IDENTITY,
        "The package URL of the package taken apart; null before the first inventory and for images",
    )
    .or_null(),
    list("metadata", &Object(METADATA), "What is kept about the package besides"),
    object("upstream", UPSTREAM, "Where it was taken from; null when it was published here").or_null(),
    list(
        "osv",
        &Object(findings::RECORD),
        "Full OSV records behind the findings; malware has an id that starts with MAL-",
    ),
    field("security_scan", findings::SCAN, "Vulnerabilities with Trivy's names, in both forms that policies use"),
    list(
        "vulnerabilities",
        &Object(findings::VULNERABILITY),
        "Vulnerabilities of all components, worst first, without those that a trusted statement or a waiver takes away",
    ),
    object("model_security", MODEL_SECURITY, "Scans of a model hub").or_null().never(),
    object("sbom", SBOM, "The components as CycloneDX; null for packages that are not images").or_null(),
];

const PACKAGE: &[Field] = &[
    text("format", "Format as policies call it (python, docker, npm, ...)"),
    text("name", "Name, as the format normalises it"),
    text("version", "Version; for images the manifest's digest"),
    text("version_orig", "The same"),
    text("release", "Release of a system package (Debian's revision, RPM's release)").or_null(),
    text("epoch", "Epoch of the version, where it has one").or_null(),
    text("slug", "Name and version in one word"),
    text("slug_perm", "Identity, never reused"),
    text(
        "subtype",
        "What kind of package it is within its format (wheel, sdist, image, index, jar, ...); may be empty",
    ),
    field("package_type", Word(&["BINARY", "SOURCE", "COMBINED", "OTHER"]), "Whether it is built, source, or both"),
    text("summary", "One line by its author").or_null(),
    text("description", "Longer text by its author, at most 12,288 bytes").or_null(),
    text("filename", "Name of its main file; empty without files"),
    text("extension", "The main file's extension with its dot"),
    whole("size", "Bytes of all files"),
    whole("num_files", "How many files it has"),
    flag("indexed", "Whether it is in its format's indexes"),
    text("checksum_md5", "Of the main file, hex").or_null(),
    text("checksum_sha1", "Of the main file, hex").or_null(),
    text("checksum_sha256", "Of the main file, hex").or_null(),
    text("checksum_sha512", "Of the main file, hex").or_null(),
    list("files", &Object(FILE), "Its files"),
    list("architectures", &Object(ARCHITECTURE), "Machines that it is for, where it says so"),
    object("distro", DISTRO, "Operating system, for images").or_null(),
    object("distro_version", DISTRO_VERSION, "Its release").or_null(),
    object("license", LICENSE, "What it says of its licence"),
    list(
        "tags",
        &Object(TAG),
        "Tags of publishers and operators, and names that point to it; none that policies added",
    ),
    time("uploaded_at", "When it arrived here"),
    time("last_downloaded_at", "When a file of it was last downloaded, as counted every few seconds").or_null(),
    object(
        "upstream_metadata",
        &[time("published_at", "When its author published it, where that is known").or_null()],
        "What its origin says",
    ),
    flag("is_local", "Whether it was published here rather than taken from an upstream"),
    flag("signed", "Whether a signature came with it that was not found to be wrong"),
    object("uploader", UPLOADER, "Who published it"),
    field("security_scan_status", Word(SCAN_STATUS), "How far the look into it is"),
    time("security_scan_started_at", "When the last inventory was made").or_null(),
    time("security_scan_completed_at", "The same").or_null(),
    time("security_scan_status_updated_at", "The same").or_null(),
    field("card", Free, "A model's card").or_null().maybe().never(),
];

const SCAN_STATUS: &[&str] = &[
    "AWAITING_SCAN",
    "SCANNING",
    "VULNERABLE",
    "NOT_VULNERABLE",
    "DISABLED",
    "FAILED",
    "SKIPPED",
    "UNSUPPORTED_PACKAGE",
    "UNSUPPORTED_FORMAT",
];

const FILE: &[Field] = &[
    text("filename", "Name without folders"),
    text("path", "Path within the package"),
    text("file_extension", "Extension with its dot"),
    flag("is_primary", "Whether it is the main file"),
    whole("size", "Bytes"),
    text("slug_perm", "Identity"),
    text("tag", "A tag of the file").or_null().never(),
    text("oid", "Identity of its content: algorithm and hex"),
    time("created_at", "When it arrived here"),
    text("checksum_md5", "Hex").or_null(),
    text("checksum_sha1", "Hex").or_null(),
    text("checksum_sha256", "Hex").or_null(),
    text("checksum_sha512", "Hex").or_null(),
];

const ARCHITECTURE: &[Field] = &[
    text("name", "As its format writes it (amd64, arm64, noarch)"),
    text("description", "For people").or_null().never(),
];

const DISTRO: &[Field] = &[
    text("name", "For people").or_null(),
    text("slug", "ID of os-release (alpine, debian)"),
    text("variants", "Variants").or_null().never(),
];

const DISTRO_VERSION: &[Field] = &[text("name", "Release (3.10.4)"), text("slug", "The same")];

const LICENSE: &[Field] = &[
    text("raw_license", "As declared").or_null(),
    text("raw_license_file_path", "A file with the licence's text").or_null(),
    object("raw_license_file_contents", &[text("sha256", "Hex"), text("raw_text", "Text")], "What is in that file")
        .or_null()
        .never(),
    text("license_url", "Page of the licence").or_null().never(),
    object(
        "oss_license",
        OSS_LICENSE,
        "The SPDX licence that it is; null when it is none, or an expression of several",
    )
    .or_null(),
    field("source", Word(&["AUTOMATIC", "MANUAL"]), "Who said so"),
    field(
        "match",
        Word(&["NONE", "OSS_EXACT", "OSS_FUZZY", "PROPRIETARY", "UNKNOWN", "CURATED"]),
        "NONE without a declaration, OSS_EXACT for an SPDX identifier, OSS_FUZZY for a customary way to write one, else UNKNOWN",
    ),
    number("similarity", "100 for an SPDX identifier").or_null(),
    field("override", Word(&["NONE", "IGNORED", "PURCHASED"]), "An operator's word"),
];

const OSS_LICENSE: &[Field] = &[
    text("spdx_identifier", "SPDX identifier (Apache-2.0)"),
    text("spdx_license", "The same"),
    text("full_name", "Name for people").or_null().never(),
    text("license_text", "Text").or_null().never(),
    text("license_url", "Page").or_null().never(),
    text("spdx_details_url", "Page").or_null().never(),
    text("spdx_template", "Template").or_null().never(),
    flag("osi_approved", "Whether the Open Source Initiative approved it"),
    flag("is_deprecated", "Whether SPDX deprecates the identifier").or_null().never(),
];

const TAG: &[Field] = &[
    text("name", "The tag"),
    field(
        "source",
        Word(&["AUTOMATIC", "MANUAL"]),
        "AUTOMATIC for names that a client's push set, MANUAL for tags of operators",
    ),
    field(
        "tag_type",
        Word(&["INFO", "SOME_VERSION", "LATEST_VERSION", "ANNOTATION"]),
        "SOME_VERSION for a name that points here (an image's tag, a dist-tag), LATEST_VERSION for `latest`, else INFO",
    ),
    flag("is_immutable", "Whether the repository's settings fix it"),
    time("created_at", "When it was last set; null for tags of operators").or_null(),
];

const UPLOADER: &[Field] = &[
    text("email", "Address").or_null().never(),
    text("first_name", "Name").or_null().never(),
    text("last_name", "Name").or_null().never(),
    text("slug", "Name of the token or user"),
    text("slug_perm", "The same"),
];

const REPOSITORY: &[Field] = &[
    text("name", "Name"),
    text("slug", "The same"),
    text("slug_perm", "Identity"),
    text("description", "Its description"),
    time("created_at", "When it was made"),
    field("repository_type", Word(&["PUBLIC", "PRIVATE", "OPEN_SOURCE"]), "PUBLIC when anyone may read, else PRIVATE"),
    text("open_source_license", "Licence of an open source repository").or_null().never(),
    text("storage_region", "Region").never(),
    list("ecdsa_keys", &Free, "Keys of the repository").never(),
    list("gpg_keys", &Free, "Keys of the repository").never(),
];

const WORKSPACE: &[Field] = &[
    text("name", "Name of the installation").or_null(),
    text("slug", "The same").or_null(),
    text("slug_perm", "The same").or_null(),
    time("created_at", "When its first repository was made").or_null(),
    text("country", "ISO code").or_null().never(),
    text("location", "Place").or_null().never(),
    text("tagline", "Motto").or_null().never(),
];

const IDENTITY: &[Field] = &[
    text("purl", "Package URL"),
    text("namespace", "Namespace; may be empty"),
    text("name", "Name"),
    text("version", "Version").or_null(),
    field("qualifiers", Keyed(&[], &Text, "name"), "Qualifiers"),
    text("subpath", "Subpath").or_null(),
    text("format", "As package.format"),
    text("checksum_md5", "Of the main file, hex").or_null(),
    text("checksum_sha1", "Of the main file, hex").or_null(),
    text("checksum_sha256", "Of the main file, hex").or_null(),
    text("checksum_sha512", "Of the main file, hex").or_null(),
];

const METADATA: &[Field] = &[
    field("content", Free, "Any JSON: what the format keeps"),
    text("source_kind", "FORMAT"),
    text("source_identity", "Id of the format"),
];

const UPSTREAM: &[Field] = &[
    text("name", "Name of the upstream in the repository"),
    text("trust", "How far it is trusted, as its settings say; null when it is no longer configured").or_null(),
    text("url", "Its address").or_null(),
];

const MODEL_SECURITY: &[Field] = &[
    text("availability", "UNAVAILABLE, PARTIAL, COMPLETE").never(),
    text("scan_summary", "UNSAFE, UNKNOWN, QUEUED, SAFE").never(),
    list("scan_details", &Free, "Files that are not safe").never(),
    text("source", "Who says so").never(),
];

const SBOM: &[Field] = &[
    text("bomFormat", "CycloneDX"),
    text("specVersion", "1.6"),
    whole("version", "1"),
    list("components", &Object(SBOM_COMPONENT), "Components"),
];

const SBOM_COMPONENT: &[Field] = &[
    text("type", "library"),
    text("bom-ref", "The package URL"),
    text("group", "Namespace").maybe(),
    text("name", "Name"),
    text("version", "Version").maybe(),
    text("purl", "Package URL"),
    field(
        "licenses",
        List(&Object(&[object(
            "license",
            &[
                text("id", "SPDX identifier").maybe(),
                text("name", "As written, where it is no SPDX identifier").maybe(),
            ],
            "Licence",
        )])),
        "Declared licences",
    )
    .maybe(),
];
