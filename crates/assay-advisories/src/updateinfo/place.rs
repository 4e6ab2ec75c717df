//! Which distribution and release an announcement is for, by its id and the release it names.

use assay_model::finding::Origin;

/// Distribution and release.
pub(super) struct Place {
    /// OSV ecosystem with release.
    pub(super) ecosystem: String,
    pub(super) origin: Origin,
}

struct Publisher {
    /// Beginnings of ids.
    ids: &'static [&'static str],
    ecosystem: &'static str,
    /// Where the id tells the release.
    release: Option<&'static str>,
    /// Id, name and address.
    origin: (&'static str, &'static str, &'static str),
}

/// In the order in which ids are tried.
static PUBLISHERS: &[Publisher] = &[
    amazon(&["ALAS2023"], "2023"),
    amazon(&["ALAS2022"], "2022"),
    // Amazon Linux 2 has extras, whose ids carry their name (`ALAS2DOCKER-2021-001`).
    amazon(&["ALAS2"], "2"),
    amazon(&["ALAS-"], "1"),
    Publisher {
        ids: &["RLSA-", "RXSA-", "RLBA-", "RLEA-"],
        ecosystem: "Rocky Linux",
        release: None,
        origin: ("rocky", "Rocky Linux updateinfo", "https://errata.rockylinux.org/"),
    },
    Publisher {
        ids: &["ELSA-", "ELBA-", "ELEA-"],
        ecosystem: "Oracle Linux",
        release: None,
        origin: ("oracle-oval", "Oracle Linux errata", "https://linux.oracle.com/errata/"),
    },
    Publisher {
        ids: &["ALSA-", "ALBA-", "ALEA-"],
        ecosystem: "AlmaLinux",
        release: None,
        origin: ("alma", "AlmaLinux errata", "https://errata.almalinux.org/"),
    },
    Publisher {
        ids: &["openSUSE-"],
        ecosystem: "openSUSE",
        release: None,
        origin: ("suse-cvrf", "openSUSE updates", "https://www.suse.com/security/"),
    },
    Publisher {
        ids: &["FEDORA-"],
        ecosystem: "Fedora",
        release: None,
        origin: ("fedora", "Fedora updates", "https://bodhi.fedoraproject.org/"),
    },
    Publisher {
        ids: &["RHSA-", "RHBA-", "RHEA-"],
        ecosystem: "Red Hat",
        release: None,
        origin: ("redhat", "Red Hat errata", "https://access.redhat.com/errata/"),
    },
];

const fn amazon(ids: &'static [&'static str], release: &'static str) -> Publisher {
    Publisher {
        ids,
        ecosystem: "Amazon Linux",
        release: Some(release),
        origin: ("amazon", "Amazon Linux Security Center", "https://alas.aws.amazon.com/"),
    }
}

impl Place {
    /// `releases` are texts that may name the release: that of the announcement, those of its collections.
    pub(super) fn of(id: &str, releases: &[String]) -> Option<Self> {
        let publisher = PUBLISHERS.iter().find(|one| one.ids.iter().any(|begin| id.starts_with(begin)))?;
        let release = publisher.release.map(str::to_owned).or_else(|| releases.iter().find_map(|text| number(text)))?;
        let (id, name, url) = publisher.origin;
        Some(Self {
            ecosystem: format!("{}:{release}", publisher.ecosystem),
            origin: Origin { id: id.to_owned(), name: name.to_owned(), url: url.to_owned(), base: None },
        })
    }
}

/// The first number of a text such as `Rocky Linux 8` or `ol9_baseos`: digits and dots.
fn number(text: &str) -> Option<String> {
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let rest = text.get(begin..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    Some(rest.get(..end)?.trim_end_matches('.').to_owned()).filter(|number| number.len() <= 8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Place;

    #[test]
    fn releases_are_told_by_id_or_by_name() {
        let of = |id: &str, release: &str| Place::of(id, &[release.to_owned()]).map(|place| place.ecosystem);
        assert_eq!(of("ALAS2023-2023-001", "").unwrap(), "Amazon Linux:2023");
        assert_eq!(of("ALAS2DOCKER-2021-001", "").unwrap(), "Amazon Linux:2");
        assert_eq!(of("ALAS-2018-939", "").unwrap(), "Amazon Linux:1");
        assert_eq!(of("RLSA-2023:1", "Rocky Linux 8").unwrap(), "Rocky Linux:8");
        assert_eq!(of("ELSA-2023-1", "ol9_baseos_latest").unwrap(), "Oracle Linux:9");
        assert!(of("RLSA-2023:1", "no number").is_none());
        assert!(of("XYZ-1", "8").is_none());
    }
}
