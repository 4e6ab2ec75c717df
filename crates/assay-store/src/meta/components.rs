//! Components, and the ways from them to packages and back: the reverse index of the change flow.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, all, numbers, pairs, value, value::params};
use assay_model::{
    Digest,
    component::{Component, ComponentId, StoredComponent},
    package::PackageId,
    seam::meta::Components,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The columns of a component under the alias `c`, in the order that [`read`] reads them.
pub(super) const COLUMNS: &str =
    "c.id, c.purl, c.purl_type, c.namespace, c.name, c.version, c.ecosystem, c.match_name, c.match_version";

pub(super) fn read(row: &mut Row) -> R<StoredComponent> {
    Ok(StoredComponent {
        id: ComponentId(row.int()?),
        component: Component {
            purl: row.text()?,
            purl_type: row.text()?,
            namespace: row.text()?,
            name: row.text()?,
            version: row.text()?,
            ecosystem: row.text()?,
            match_name: row.text()?,
            match_version: row.text()?,
        },
    })
}

impl Session<'_> {
    /// What packages hold; `which` may restrict it to some of the occurrences `o`.
    pub(super) fn held(&mut self, packages: &[PackageId], which: &str) -> R<BTreeMap<PackageId, Vec<StoredComponent>>> {
        let mut links = BTreeSet::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // unique (package, path), unique (digest, role), occurrence_by_inventory
            links.extend(all(
                self.sql,
                &format!(
                    "SELECT f.package, o.component FROM file f
                       JOIN inventory i ON i.digest = f.digest AND i.role = f.role
                       JOIN occurrence o ON o.inventory = i.id
                     WHERE f.package IN (SELECT CAST(value AS BIGINT) FROM @list($1)) {which}"
                ),
                &[numbers(chunk.iter().map(|p| p.0))],
                |r| Ok((r.int()?, r.int()?)),
            )?);
        }
        let ids: Vec<_> = links.iter().map(|(_, component)| ComponentId(*component)).collect();
        let found: HashMap<i64, StoredComponent> = self.components(&ids)?.into_iter().map(|c| (c.id.0, c)).collect();
        let mut by_package: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (package, component) in links {
            by_package.entry(PackageId(package)).or_default().extend(found.get(&component).cloned());
        }
        Ok(by_package)
    }
}

impl Components for Session<'_> {
    fn components(&mut self, ids: &[ComponentId]) -> R<Vec<StoredComponent>> {
        let wanted: BTreeSet<i64> = ids.iter().map(|c| c.0).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut found = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                &format!(
                    "SELECT {COLUMNS} FROM component c WHERE c.id IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                     ORDER BY c.id"
                ),
                &[numbers(chunk.iter().copied())],
                read,
            )?);
        }
        Ok(found)
    }

    fn components_named(&mut self, keys: &[(String, String)]) -> R<Vec<StoredComponent>> {
        let mut found = BTreeMap::new();
        for chunk in keys.chunks(KEYS_AT_ONCE) {
            // component_by_name, component_by_own_name: the name, then the ecosystem or any release of it (`;` follows `:`)
            let of = |name: &str| {
                format!(
                    "SELECT {COLUMNS} FROM @rows($1) k JOIN component c ON c.{name} = k.value->>1
                     WHERE c.ecosystem = k.value->>0
                        OR (c.ecosystem > ((k.value->>0) || ':') AND c.ecosystem < ((k.value->>0) || ';'))"
                )
            };
            let rows = all(
                self.sql,
                &format!("{} UNION {}", of("match_name"), of("name")),
                &[pairs(chunk.iter().map(|(ecosystem, name)| (ecosystem.as_str(), name.as_str())))],
                read,
            )?;
            found.extend(rows.into_iter().map(|c| (c.id, c)));
        }
        Ok(found.into_values().collect())
    }

    fn components_of(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<StoredComponent>>> {
        self.held(packages, "")
    }

    fn packages_with(&mut self, components: &[ComponentId]) -> R<Vec<PackageId>> {
        let mut found = BTreeSet::new();
        for chunk in components.chunks(KEYS_AT_ONCE) {
            // primary key of occurrence, of inventory, file_by_digest, primary key of package
            found.extend(all(
                self.sql,
                "SELECT DISTINCT p.id FROM occurrence o
                   JOIN inventory i ON i.id = o.inventory
                   JOIN file f ON f.digest = i.digest AND f.role = i.role
                   JOIN package p ON p.id = f.package
                 WHERE o.component IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().map(|c| c.0))],
                |r| r.int(),
            )?);
        }
        Ok(found.into_iter().map(PackageId).collect())
    }

    fn packages_with_digest(&mut self, digest: &Digest) -> R<Vec<PackageId>> {
        // file_by_digest, primary key of package
        all(
            self.sql,
            "SELECT DISTINCT p.id FROM file f JOIN package p ON p.id = f.package
             WHERE f.digest = $1 ORDER BY p.id",
            &params![digest],
            |r| r.int().map(PackageId),
        )
    }

    fn package_ids(&mut self, after: Option<PackageId>, limit: usize) -> R<Vec<PackageId>> {
        // primary key, in order
        all(
            self.sql,
            "SELECT p.id FROM package p WHERE p.id > $1
               AND (p.state <> 'deleted' OR EXISTS (SELECT 1 FROM file f WHERE f.package = p.id))
             ORDER BY p.id LIMIT $2",
            &[after.map_or(0, |p| p.0).into(), value::limit(limit)],
            |r| r.int().map(PackageId),
        )
    }
}
