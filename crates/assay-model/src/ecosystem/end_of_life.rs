//! Operating systems as products whose life ends: their names on endoflife.date by their `ID` in os-release.

/// The ecosystem of operating systems and runtimes as such.
pub const ECOSYSTEM: &str = "EndOfLife";

/// `ID` to product, where they differ or the product is known.
const PRODUCTS: [(&str, &str); 22] = [
    ("almalinux", "almalinux"),
    ("alma", "almalinux"),
    ("alpine", "alpine-linux"),
    ("amzn", "amazon-linux"),
    ("amazon", "amazon-linux"),
    ("centos", "centos"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("ol", "oracle-linux"),
    ("oracle", "oracle-linux"),
    ("opensuse", "opensuse"),
    ("opensuse-leap", "opensuse"),
    ("photon", "photon"),
    ("rhel", "rhel"),
    ("redhat", "rhel"),
    ("rocky", "rocky-linux"),
    ("sle-micro", "suse-linux-micro"),
    ("sles", "sles"),
    ("suse linux enterprise server", "sles"),
    ("mageia", "mageia"),
    ("ubuntu", "ubuntu"),
    ("devuan", "devuan"),
];

/// The product that an operating system is.
pub fn product(os: &str) -> Option<&'static str> {
    PRODUCTS.iter().find(|(id, _)| *id == os).map(|(_, product)| *product)
}
