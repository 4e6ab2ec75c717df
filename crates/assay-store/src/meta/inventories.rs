//! Inventories: a compressed document per digest and role, and the rows that make its components searchable.

use super::{Session, components, pack, unpack};
use crate::sql::{KEYS_AT_ONCE, R, Value, all, clean, first, insert_many, numbers, texts, value::params};
use assay_model::{
    Digest, Problem,
    component::{Component, ComponentId},
    inventory::StoredInventory,
    package::Role,
    seam::meta::Inventories,
};
use std::collections::{BTreeMap, BTreeSet};

/// Licences of one inventory that can be searched for.
const LICENSES: usize = 2000;

/// What an inventory's components became.
#[derive(Default)]
struct Placed {
    ids: BTreeMap<String, i64>,
    to_match: BTreeSet<i64>,
}

impl Session<'_> {
    /// Components by identity with their ids, and those that have to be matched because they are new or changed.
    fn place_components(&mut self, wanted: &BTreeMap<String, Component>) -> R<Placed> {
        let mut placed = Placed::default();
        let mut write = Vec::new();
        let identities: Vec<&String> = wanted.keys().collect();
        for chunk in identities.chunks(KEYS_AT_ONCE) {
            let there = self.components_by_identity(chunk)?;
            for identity in chunk {
                match (there.get(*identity), wanted.get(*identity)) {
                    (Some((id, stored)), Some(component)) if stored == component => {
                        placed.ids.insert((*identity).clone(), *id);
                    }
                    (_, Some(component)) => write.push((*identity, component)),
                    _ => {}
                }
            }
        }
        let rows = write.iter().map(|(identity, c)| row(identity, c)).collect();
        insert_many(
            self.sql,
            "INSERT INTO component
             (identity, purl, purl_type, namespace, name, version, ecosystem, match_name, match_version)",
            "ON CONFLICT (identity) DO UPDATE SET purl_type = excluded.purl_type, namespace = excluded.namespace,
               name = excluded.name, version = excluded.version, match_version = excluded.match_version",
            rows,
        )?;
        for chunk in write.chunks(KEYS_AT_ONCE) {
            // unique (identity)
            let ids = all(
                self.sql,
                "SELECT identity, id FROM component WHERE identity IN (SELECT value FROM @list($1))",
                &[texts(chunk.iter().map(|(identity, _)| *identity))],
                |r| Ok((r.text()?, r.int()?)),
            )?;
            placed.to_match.extend(ids.iter().map(|(_, id)| *id));
            placed.ids.extend(ids);
        }
        Ok(placed)
    }

    fn components_by_identity(&mut self, identities: &[&String]) -> R<BTreeMap<String, (i64, Component)>> {
        // unique (identity)
        let rows = all(
            self.sql,
            &format!(
                "SELECT c.identity, {} FROM component c WHERE c.identity IN (SELECT value FROM @list($1))",
                components::COLUMNS
            ),
            &[texts(identities)],
            |r| Ok((r.text()?, components::read(r)?)),
        )?;
        Ok(rows.into_iter().map(|(identity, c)| (identity, (c.id.0, c.component))).collect())
    }

    /// Makes what is in an inventory searchable.
    fn place(&mut self, number: i64, stored: &StoredInventory) -> R<(Vec<ComponentId>, Vec<ComponentId>)> {
        if stored.role == Role::Layer {
            return Ok((Vec::new(), Vec::new()));
        }
        let wanted: BTreeMap<String, Component> =
            stored.inventory.matched().map(|c| cleaned(&c)).map(|c| (identity(&c), c)).collect();
        let placed = self.place_components(&wanted)?;
        let ids: BTreeSet<i64> = placed.ids.into_values().collect();
        self.place_occurrences(number, &ids)?;
        self.place_licenses(number, &licenses(stored))?;
        let list = |ids: BTreeSet<i64>| ids.into_iter().map(ComponentId).collect();
        Ok((list(ids), list(placed.to_match)))
    }

    fn place_licenses(&mut self, inventory: i64, licenses: &BTreeSet<String>) -> R<()> {
        // inventory_license_by_inventory
        self.sql.execute("DELETE FROM inventory_license WHERE inventory = $1", &params![inventory])?;
        insert_many(
            self.sql,
            "INSERT INTO inventory_license (license, inventory)",
            "ON CONFLICT (license, inventory) DO NOTHING",
            licenses.iter().map(|license| params![license, inventory].to_vec()).collect(),
        )
        .map(|_| ())
    }

    fn place_occurrences(&mut self, inventory: i64, components: &BTreeSet<i64>) -> R<()> {
        // occurrence_by_inventory
        self.sql.execute(
            "DELETE FROM occurrence WHERE inventory = $1
             AND component NOT IN (SELECT CAST(value AS BIGINT) FROM @list($2))",
            &[inventory.into(), numbers(components.iter().copied())],
        )?;
        insert_many(
            self.sql,
            "INSERT INTO occurrence (component, inventory)",
            "ON CONFLICT (component, inventory) DO NOTHING",
            components.iter().map(|c| params![*c, inventory].to_vec()).collect(),
        )?;
        Ok(())
    }
}

/// Every licence that is stated for what is inside, once.
fn licenses(stored: &StoredInventory) -> BTreeSet<String> {
    let inventory = &stored.inventory;
    let stated = inventory.components.iter().flat_map(|occurrence| &occurrence.licenses);
    let files = inventory.licenses.iter().map(|file| &file.expression);
    stated.chain(files).map(|text| clean(text).chars().take(200).collect()).take(LICENSES).collect()
}

fn row(identity: &str, c: &Component) -> Vec<Value> {
    params![
        identity,
        &c.purl,
        &c.purl_type,
        &c.namespace,
        &c.name,
        &c.version,
        &c.ecosystem,
        &c.match_name,
        &c.match_version
    ]
    .to_vec()
}

/// A component with words that both databases can keep.
fn cleaned(c: &Component) -> Component {
    let word = |text: &str| clean(text).into_owned();
    Component {
        purl: word(&c.purl),
        purl_type: word(&c.purl_type),
        namespace: word(&c.namespace),
        name: word(&c.name),
        version: word(&c.version),
        ecosystem: word(&c.ecosystem),
        match_name: word(&c.match_name),
        match_version: word(&c.match_version),
    }
}

/// What makes two finds one component, as a hash: NUL cannot occur in a cleaned word.
fn identity(c: &Component) -> String {
    Digest::of(format!("{}\0{}\0{}", c.purl, c.ecosystem, c.match_name).as_bytes()).hex().to_owned()
}

impl Inventories for Session<'_> {
    fn put_inventory(&mut self, stored: &StoredInventory) -> R<(Vec<ComponentId>, Vec<ComponentId>)> {
        let document = serde_json::to_vec(&stored.inventory).map_err(|e| Problem::internal("cannot write JSON", e))?;
        let as_of = self.number_of_scanner(&stored.scanner)?;
        let mut made = first(
            self.sql,
            "INSERT INTO inventory (digest, role, scanner, made_at, made, document, as_of) VALUES ($1, $2, $3, $4, 1, $5, $6)
             ON CONFLICT (digest, role) DO UPDATE SET scanner = excluded.scanner, made_at = excluded.made_at,
               made = inventory.made + 1, document = excluded.document, as_of = excluded.as_of, renew = NULL
             RETURNING id",
            &params![
                &stored.digest,
                stored.role.as_str(),
                clean(&stored.scanner).as_ref(),
                stored.made_at,
                pack(&document)?,
                as_of
            ],
        )?
        .ok_or_else(|| Problem::bug("an inventory is gone after it was written"))?;
        let number = made.int()?;
        self.place_outline(number, stored.inventory.outline.as_ref())?;
        self.place(number, stored)
    }

    fn refile_inventory(&mut self, stored: &StoredInventory) -> R<(Vec<ComponentId>, Vec<ComponentId>)> {
        // unique (digest, role)
        let row = first(
            self.sql,
            "SELECT id FROM inventory WHERE digest = $1 AND role = $2",
            &params![&stored.digest, stored.role.as_str()],
        )?;
        match row {
            Some(mut row) => {
                let number = row.int()?;
                self.place(number, stored)
            }
            None => Ok((Vec::new(), Vec::new())),
        }
    }

    fn inventory(&mut self, digest: &Digest, role: Role) -> R<Option<StoredInventory>> {
        // unique (digest, role)
        let row = first(
            self.sql,
            "SELECT scanner, made_at, document FROM inventory WHERE digest = $1 AND role = $2",
            &params![digest, role.as_str()],
        )?;
        row.map(|mut r| {
            let (scanner, made_at) = (r.text()?, r.time()?);
            let inventory = serde_json::from_slice(&unpack(&r.bytes()?)?)
                .map_err(|e| Problem::internal("a stored inventory cannot be read", e))?;
            Ok(StoredInventory { digest: digest.clone(), role, scanner, made_at, inventory })
        })
        .transpose()
    }

    fn inventories_made(&mut self) -> R<i64> {
        first(self.sql, "SELECT CAST(COALESCE(SUM(made), 0) AS BIGINT) FROM inventory", &[])?
            .map_or(Ok(0), |mut r| r.int())
    }
}
