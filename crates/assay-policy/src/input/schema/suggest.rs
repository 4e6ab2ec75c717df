//! What to write instead of a field that does not exist: by what people usually mean, by a flattened path, by spelling, and
//! by where else the field is.

use super::{Field, Miss, Path, Shape, fields, walk};

/// Names that people use, with where the thing is. The first that exists is suggested.
const MEANT: &[(&str, &[&str])] = &[
    ("id", &["identifier", "VulnerabilityID", "purl"]),
    ("cve", &["identifier", "id", "VulnerabilityID"]),
    ("cve_id", &["identifier", "id", "VulnerabilityID"]),
    ("vulnerability_id", &["identifier", "VulnerabilityID", "id"]),
    ("cvss_score", &["score", "cvss", "CVSS"]),
    ("cvss_v3", &["cvss", "CVSS"]),
    ("base_score", &["score", "cvss", "CVSS", "numerical_score"]),
    ("percentile", &["epss.percentile"]),
    ("fix", &["nearest_fixed", "patched_versions", "FixedVersion"]),
    ("fixed", &["nearest_fixed", "patched_versions", "FixedVersion"]),
    ("fixed_version", &["nearest_fixed", "patched_versions", "FixedVersion"]),
    ("fixed_versions", &["patched_versions", "FixedVersion"]),
    ("fix_versions", &["patched_versions", "FixedVersion"]),
    ("FixedVersion", &["patched_versions", "fixed_version"]),
    ("InstalledVersion", &["package_version"]),
    ("PkgName", &["package_name"]),
    ("PublishedDate", &["published_date"]),
    ("patched_versions", &["FixedVersion"]),
    ("identifier", &["VulnerabilityID", "id"]),
    ("VulnerabilityID", &["identifier", "id"]),
    ("package_name", &["PkgName"]),
    ("package_version", &["InstalledVersion"]),
    ("published_date", &["PublishedDate", "published"]),
    ("affected_versions", &["vulnerable_versions"]),
    ("exploited", &["kev", "ssvc.exploitation"]),
    ("is_kev", &["kev"]),
    ("known_exploited", &["kev"]),
    ("exploit_maturity", &["ssvc.exploitation"]),
    ("exploitation", &["ssvc.exploitation"]),
    ("date_added", &["kev.date_added"]),
    ("ransomware", &["kev.ransomware"]),
    ("vex_status", &["vex.status"]),
    ("published", &["published_date", "PublishedDate", "published_at", "upstream_metadata.published_at"]),
    ("publish_date", &["published_date", "published_at", "upstream_metadata.published_at"]),
    ("published_at", &["upstream_metadata.published_at", "published_date"]),
    ("created_at", &["uploaded_at", "first_seen"]),
    ("upload_date", &["uploaded_at"]),
    ("downloaded_at", &["last_downloaded_at"]),
    ("sha256", &["checksum_sha256"]),
    ("sha512", &["checksum_sha512"]),
    ("sha1", &["checksum_sha1"]),
    ("md5", &["checksum_md5"]),
    ("digest", &["checksum_sha256"]),
    ("file_name", &["filename"]),
    ("spdx", &["license.oss_license.spdx_identifier", "oss_license.spdx_identifier"]),
    ("spdx_id", &["license.oss_license.spdx_identifier", "oss_license.spdx_identifier", "spdx_identifier"]),
    ("spdx_identifier", &["license.oss_license.spdx_identifier", "oss_license.spdx_identifier"]),
    ("licence", &["license", "licenses"]),
    ("type", &["format", "Type", "subtype"]),
    ("ecosystem", &["format", "package.ecosystem"]),
    ("signature", &["signed", "signatures"]),
    ("package", &["package_name", "PkgName"]),
    ("name", &["package_name", "PkgName"]),
    ("version", &["package_version", "InstalledVersion"]),
    ("installed_version", &["package_version", "InstalledVersion"]),
    ("owner", &["uploader.slug"]),
    ("publisher", &["uploader.slug"]),
    ("private", &["repository_type"]),
    ("visibility", &["repository_type"]),
];

/// The end of a sentence about a path that does not exist: `; did you mean ...?`, or what there is.
pub(crate) fn instead(path: &Path<'_>, miss: &Miss) -> String {
    let Some(Some(wrong)) = path.get(miss.step) else { return String::new() };
    if miss.step == 0 {
        return "; policies read `input.v0` or `input.v1`".into();
    }
    let version = path.first().copied().flatten().unwrap_or("v0");
    if miss.at.iter().any(|shape| matches!(shape, Shape::List(_))) {
        return "; it is an array, write `some x in` or `[_]` for its elements".into();
    }
    let siblings: Vec<Field> =
        if miss.step == 1 { fields(version) } else { miss.at.iter().flat_map(|shape| own(*shape)).copied().collect() };
    if siblings.is_empty() {
        return "; it has no fields".into();
    }
    if let Some(found) = meant(&siblings, wrong).or_else(|| flattened(&siblings, wrong)) {
        return format!("; did you mean `{found}`?");
    }
    if let Some(found) = begun(&siblings, wrong).or_else(|| nearest(&siblings, wrong)) {
        return format!("; did you mean `{found}`?");
    }
    let mut newer: Vec<Option<&str>> = path.iter().take(miss.step + 1).copied().collect();
    if let Some(first) = newer.first_mut()
        && *first == Some("v0")
    {
        *first = Some("v1");
        if walk(&newer).is_ok() {
            return format!("; it is in `{}`", written(&newer));
        }
    }
    let names: Vec<&str> = siblings.iter().map(|field| field.name).collect();
    format!("; there are {}", names.join(", "))
}

/// A path as it is written.
pub(crate) fn written(path: &Path<'_>) -> String {
    path.iter().fold("input".to_owned(), |text, step| match step {
        Some(key) => format!("{text}.{key}"),
        None => format!("{text}[_]"),
    })
}

fn own(shape: Shape) -> &'static [Field] {
    match shape {
        Shape::Object(fields) | Shape::Keyed(fields, ..) => fields,
        _ => &[],
    }
}

fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}

fn exists(fields: &[Field], path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    find(fields, first).is_some_and(|field| rest.is_none_or(|rest| exists(own(field.shape), rest)))
}

fn meant(fields: &[Field], wrong: &str) -> Option<String> {
    let (_, candidates) = MEANT.iter().find(|(name, _)| name.eq_ignore_ascii_case(wrong))?;
    candidates.iter().find(|candidate| exists(fields, candidate)).map(|found| (*found).to_owned())
}

/// `epss_percentile` for `epss.percentile`, `kev_date` for `kev.date_added`.
fn flattened(fields: &[Field], wrong: &str) -> Option<String> {
    wrong.match_indices(['_', '-']).find_map(|(at, _)| {
        let (head, tail) = (wrong.get(..at)?, wrong.get(at + 1..)?);
        let field = find(fields, head)?;
        let below = own(field.shape);
        let child = find(below, tail)
            .or_else(|| below.iter().find(|child| child.name.starts_with(tail)))
            .or_else(|| below.iter().find(|child| child.name.contains(tail)))
            .map(|child| child.name.to_owned())
            .or_else(|| nearest(below, tail))?;
        Some(format!("{head}.{child}"))
    })
}

/// `date` for `date_added`.
fn begun(fields: &[Field], wrong: &str) -> Option<String> {
    let whole = |name: &str| name.strip_prefix(wrong).is_some_and(|rest| rest.starts_with('_'));
    fields.iter().find(|field| whole(field.name)).map(|field| field.name.to_owned())
}

/// The field spelt most alike, if any is alike.
fn nearest(fields: &[Field], wrong: &str) -> Option<String> {
    let far = wrong.chars().count().div_ceil(3).min(4);
    let near = fields.iter().map(|field| (distance(&wrong.to_lowercase(), &field.name.to_lowercase()), field.name));
    let (_, name) = near.filter(|(distance, _)| *distance <= far).min()?;
    Some(name.to_owned())
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let get = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (get(&last, j) + usize::from(x != y)).min(get(&last, j + 1) + 1).min(get(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(get(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "tests")]
mod tests {
    use super::*;

    fn told(path: &str) -> String {
        let steps: Vec<Option<&str>> = path.split('.').map(|step| (step != "_").then_some(step)).collect();
        instead(&steps, &walk(&steps).unwrap_err())
    }

    #[test]
    fn what_is_meant_is_suggested() {
        let cases = [
            ("v1.vulnerabilities._.epss_percentile", "`epss.percentile`"),
            ("v0.vulnerabilities._.epss_score", "`epss.score`"),
            ("v1.vulnerabilities._.kev_date", "`kev.date_added`"),
            ("v1.vulnerabilities._.vex_status", "`vex.status`"),
            ("v0.vulnerabilities._.severty", "`severity`"),
            ("v0.vulnerabilities._.kev", "it is in `input.v1.vulnerabilities[_].kev`"),
            ("v0.vulnerabilities.severity", "it is an array"),
            ("v0.package.naem", "`name`"),
            ("v0.package.sha256", "`checksum_sha256`"),
            ("v0.package.spdx_id", "`license.oss_license.spdx_identifier`"),
            ("v0.package.name.first", "it has no fields"),
            ("v0.kev", "it is in `input.v1.kev`"),
            ("v0.pakage", "`package`"),
            ("v0.security_scan._.Vulnerabilities._.fixed_version", "`FixedVersion`"),
            ("v1.scorecard.scroe", "`score`"),
            ("v0.osv._.identifier", "`id`"),
            ("v0.vulnerabilities._.FixedVersion", "`patched_versions`"),
            ("v0.osv._.nonsense", "there are id, modified"),
            ("v2.package", "`input.v0` or `input.v1`"),
        ];
        for (path, expected) in cases {
            let told = told(path);
            assert!(told.contains(expected), "{path}: {told}");
        }
    }

    #[test]
    fn what_is_free_is_not_judged() {
        for path in [
            "v0.metadata._.content.anything.at.all",
            "v0.osv._.database_specific.severity",
            "v0.osv._.affected._.ecosystem_specific.urgency",
            "v0.vulnerabilities._.cvss.nvd.V3Score",
            "v0.security_scan.Vulnerabilities._.PkgName",
            "v0.security_scan._.Vulnerabilities._.CVSS.ghsa.V3Score",
            "v1.labels.stage",
            "v0.package.tags._._",
            "v1.scorecard.checks.Maintained",
        ] {
            let steps: Vec<Option<&str>> = path.split('.').map(|step| (step != "_").then_some(step)).collect();
            assert!(walk(&steps).is_ok(), "{path}");
        }
    }

    #[test]
    fn swapped_neighbours_are_one_edit() {
        assert_eq!(distance("naem", "name"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
