//! The SPDX licence list, as far as identifiers and names go.

use std::collections::HashMap;
use std::sync::OnceLock;

/// One licence a line: identifier, flags, name.
const LICENSES: &str = include_str!("ids.txt");
const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// A licence of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Identifier, as the list writes it.
    pub id: &'static str,
    /// Full name.
    pub name: &'static str,
    /// Whether the Open Source Initiative approved it.
    pub osi_approved: bool,
    /// Whether another identifier should be used.
    pub deprecated: bool,
}

/// Deprecated identifiers and what is written instead.
const INSTEAD: [(&str, &str); 26] = [
    ("AGPL-1.0", "AGPL-1.0-only"),
    ("AGPL-3.0", "AGPL-3.0-only"),
    ("BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views"),
    ("BSD-2-Clause-NetBSD", "BSD-2-Clause"),
    ("bzip2-1.0.5", "bzip2-1.0.6"),
    ("GFDL-1.1", "GFDL-1.1-only"),
    ("GFDL-1.2", "GFDL-1.2-only"),
    ("GFDL-1.3", "GFDL-1.3-only"),
    ("GPL-1.0", "GPL-1.0-only"),
    ("GPL-1.0+", "GPL-1.0-or-later"),
    ("GPL-2.0", "GPL-2.0-only"),
    ("GPL-2.0+", "GPL-2.0-or-later"),
    ("GPL-2.0-with-autoconf-exception", "GPL-2.0-only WITH Autoconf-exception-2.0"),
    ("GPL-2.0-with-bison-exception", "GPL-2.0-only WITH Bison-exception-2.2"),
    ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("GPL-2.0-with-font-exception", "GPL-2.0-only WITH Font-exception-2.0"),
    ("GPL-2.0-with-GCC-exception", "GPL-2.0-only WITH GCC-exception-2.0"),
    ("GPL-3.0", "GPL-3.0-only"),
    ("GPL-3.0+", "GPL-3.0-or-later"),
    ("GPL-3.0-with-autoconf-exception", "GPL-3.0-only WITH Autoconf-exception-3.0"),
    ("GPL-3.0-with-GCC-exception", "GPL-3.0-only WITH GCC-exception-3.1"),
    ("LGPL-2.0", "LGPL-2.0-only"),
    ("LGPL-2.0+", "LGPL-2.0-or-later"),
    ("LGPL-2.1", "LGPL-2.1-only"),
    ("LGPL-2.1+", "LGPL-2.1-or-later"),
    ("LGPL-3.0", "LGPL-3.0-only"),
];

impl Listed {
    /// What is written instead of a deprecated identifier; otherwise the identifier itself.
    #[must_use]
    pub fn current(&self) -> &'static str {
        if self.id == "LGPL-3.0+" {
            return "LGPL-3.0-or-later";
        }
        INSTEAD.iter().find(|(old, _)| *old == self.id).map_or(self.id, |(_, new)| new)
    }
}

fn entries() -> impl Iterator<Item = Listed> {
    LICENSES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let (id, flags, name) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Listed { id, name, osi_approved: flags.contains('o'), deprecated: flags.contains('d') })
    })
}

/// The licence of this identifier, in any case.
#[must_use]
pub fn listed(id: &str) -> Option<Listed> {
    static BY_ID: OnceLock<HashMap<String, Listed>> = OnceLock::new();
    let by_id = BY_ID.get_or_init(|| entries().map(|one| (one.id.to_ascii_lowercase(), one)).collect());
    by_id.get(&id.to_ascii_lowercase()).copied()
}

/// The licence of this full name, compared by `squash`.
#[must_use]
pub fn by_name(name: &str, squash: fn(&str) -> String) -> Option<Listed> {
    static BY_NAME: OnceLock<HashMap<String, Listed>> = OnceLock::new();
    let by_name =
        BY_NAME.get_or_init(|| entries().filter(|one| !one.deprecated).map(|one| (squash(one.name), one)).collect());
    by_name.get(&squash(name)).copied()
}

/// The exception of this identifier, in any case, as the list writes it.
#[must_use]
pub fn exception(id: &str) -> Option<&'static str> {
    EXCEPTIONS.lines().filter(|line| !line.starts_with('#')).find(|known| known.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::{INSTEAD, entries, exception, listed};

    #[test]
    fn the_list_is_whole_and_what_is_written_instead_is_on_it() {
        assert!(entries().count() > 700);
        assert!(listed("mit").is_some_and(|one| one.id == "MIT" && one.osi_approved && !one.deprecated));
        assert!(listed("GPL-2.0").is_some_and(|one| one.deprecated && one.current() == "GPL-2.0-only"));
        assert_eq!(exception("classpath-exception-2.0"), Some("Classpath-exception-2.0"));
        for (old, new) in INSTEAD {
            assert!(listed(old).is_some_and(|one| one.deprecated), "{old}");
            let (id, with) = new.split_once(" WITH ").map_or((new, None), |(id, with)| (id, Some(with)));
            assert!(listed(id).is_some_and(|one| !one.deprecated), "{new}");
            assert!(with.is_none_or(|with| exception(with).is_some()), "{new}");
        }
    }
}
