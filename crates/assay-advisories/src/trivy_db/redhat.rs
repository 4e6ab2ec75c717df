//! Which releases of Red Hat Enterprise Linux the numbers of products in its bucket stand for.
//!
//! The database numbers products by CPE and says which content sets (repositories) have which numbers. A system is
//! taken to have the content sets that its release comes with. Where the database does not know these, as for a new
//! release, the base product's own CPEs are taken.

use std::collections::{BTreeMap, BTreeSet};

/// Releases that may exist.
const MAJORS: std::ops::RangeInclusive<u32> = 5..=20;
/// OSV's name.
const ECOSYSTEM: &str = "Red Hat:enterprise_linux";
/// From this release on content sets are called after what they hold, and no longer after the edition.
const FIRST_SPLIT: u32 = 8;

/// Numbers of products by release.
#[derive(Debug, Default)]
pub(super) struct Products {
    by_content_set: BTreeMap<u32, BTreeSet<u64>>,
    by_cpe: BTreeMap<u32, BTreeSet<u64>>,
}

impl Products {
    /// Takes in a content set and its numbers.
    pub(super) fn content_set(&mut self, name: &str, numbers: &[u64]) {
        for major in MAJORS.filter(|major| defaults(*major).iter().any(|default| default == name)) {
            self.by_content_set.entry(major).or_default().extend(numbers);
        }
    }

    /// Takes in the CPE of a number (CPE 2.2 URI: `cpe:/o:redhat:enterprise_linux:9::baseos`).
    pub(super) fn cpe(&mut self, number: u64, cpe: &str) {
        let parts: Vec<&str> = cpe.split(':').collect();
        if parts.get(2..4) != Some(&["redhat", "enterprise_linux"]) {
            return;
        }
        let major = parts.get(4).and_then(|version| version.parse().ok()).filter(|major| MAJORS.contains(major));
        let edition = parts.get(6).copied().unwrap_or_default();
        if let (Some(major), "" | "baseos" | "appstream" | "server") = (major, edition) {
            self.by_cpe.entry(major).or_default().insert(number);
        }
    }

    /// The releases that have any of these products.
    pub(super) fn of(&self, numbers: &[u64]) -> Vec<String> {
        let has = |major: &u32| {
            let known = self.by_content_set.get(major).or_else(|| self.by_cpe.get(major));
            known.is_some_and(|known| numbers.iter().any(|number| known.contains(number)))
        };
        MAJORS.filter(has).map(|major| format!("{ECOSYSTEM}:{major}")).collect()
    }
}

/// The content sets that a release comes with.
fn defaults(major: u32) -> [String; 2] {
    if major < FIRST_SPLIT {
        [format!("rhel-{major}-server-rpms"), format!("rhel-{major}-server-extras-rpms")]
    } else {
        ["baseos", "appstream"].map(|part| format!("rhel-{major}-for-x86_64-{part}-rpms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_known_by_its_content_sets_or_by_name() {
        let mut products = Products::default();
        products.content_set("rhel-7-server-rpms", &[869]);
        products.content_set("rhel-8-for-x86_64-baseos-eus-rpms", &[5]);
        products.cpe(869, "cpe:/o:redhat:enterprise_linux:7::server");
        products.cpe(870, "cpe:/o:redhat:enterprise_linux:7::workstation");
        products.cpe(900, "cpe:/o:redhat:enterprise_linux:10::baseos");
        products.cpe(901, "cpe:/o:redhat:rhel_eus:10.0::baseos");
        assert_eq!(products.of(&[1, 869]), ["Red Hat:enterprise_linux:7"]);
        assert_eq!(products.of(&[870]), [""; 0]);
        assert_eq!(products.of(&[900, 869]), ["Red Hat:enterprise_linux:7", "Red Hat:enterprise_linux:10"]);
        assert_eq!(products.of(&[5, 901]), [""; 0]);
    }
}
