//! Renewal: which scanner inventories hold as of, which are to be made again, and what they consist of.

use super::{Session, pack, unpack};
use crate::sql::{KEYS_AT_ONCE, R, Row, all, clean, first, numbers, value, value::params};
use assay_model::{
    Digest, Problem,
    inventory::StoredInventory,
    package::Role,
    renewal::{Look, Mark, Outline, Which},
    seam::meta::{Inventories, Renewals},
};

const LOOK: &str = "SELECT i.id, i.digest, i.role, i.made_at, i.as_of, COALESCE(s.revision, i.scanner), i.renew
                    FROM inventory i LEFT JOIN scanner s ON s.id = i.as_of";

fn read_look(row: &mut Row) -> R<Look> {
    Ok(Look {
        number: row.int()?,
        digest: row.digest()?,
        role: row.word(Role::parse)?,
        made_at: row.time()?,
        as_of: row.int()?,
        revision: row.text()?,
        renew: row.int_or_null()?,
    })
}

impl Session<'_> {
    pub(super) fn number_of_scanner(&mut self, revision: &str) -> R<i64> {
        let revision = clean(revision);
        let hash = Digest::of(revision.as_bytes()).hex().to_owned();
        // unique (hash)
        let known = "SELECT id FROM scanner WHERE hash = $1";
        if let Some(mut row) = first(self.sql, known, &params![&hash])? {
            return row.int();
        }
        self.sql.execute(
            "INSERT INTO scanner (hash, revision) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
            &params![&hash, revision.as_ref()],
        )?;
        first(self.sql, known, &params![&hash])?
            .ok_or_else(|| Problem::bug("a scanner is gone after it was written"))?
            .int()
    }

    pub(super) fn place_outline(&mut self, inventory: i64, outline: Option<&Outline>) -> R<()> {
        let Some(outline) = outline else { return Ok(()) };
        let document = serde_json::to_vec(outline).map_err(|e| Problem::internal("cannot write JSON", e))?;
        // primary key
        self.sql
            .execute(
                "INSERT INTO inventory_outline (inventory, document) VALUES ($1, $2)
                 ON CONFLICT (inventory) DO UPDATE SET document = excluded.document",
                &params![inventory, pack(&document)?],
            )
            .map(|_| ())
    }
}

impl Renewals for Session<'_> {
    fn scanner_number(&mut self, revision: &str) -> R<i64> {
        self.number_of_scanner(revision)
    }

    fn stale_scanners(&mut self, current: i64) -> R<Vec<(i64, String)>> {
        // inventory_as_of, once for each scanner that ever was
        let held = "EXISTS (SELECT 1 FROM inventory i WHERE i.renew IS NULL AND i.as_of =";
        let mut stale = all(
            self.sql,
            &format!("SELECT id, revision FROM scanner WHERE id <> $1 AND {held} scanner.id) ORDER BY id"),
            &params![current],
            |r| Ok((r.int()?, r.text()?)),
        )?;
        let unasked = first(self.sql, &format!("SELECT 1 WHERE {held} 0)"), &[])?;
        stale.extend(unasked.map(|_| (0, String::new())));
        Ok(stale)
    }

    fn looks(&mut self, which: &Which) -> R<Vec<Look>> {
        match which {
            // inventory_as_of, in order
            Which::AsOf(scanner, limit) => all(
                self.sql,
                &format!("{LOOK} WHERE i.renew IS NULL AND i.as_of = $1 ORDER BY i.id LIMIT $2"),
                &[(*scanner).into(), value::limit(*limit)],
                read_look,
            ),
            // primary key
            Which::Number(number) => all(self.sql, &format!("{LOOK} WHERE i.id = $1"), &params![*number], read_look),
            // unique (digest, role)
            Which::Of(digest, role) => all(
                self.sql,
                &format!("{LOOK} WHERE i.digest = $1 AND i.role = $2"),
                &params![digest, role.as_str()],
                read_look,
            ),
        }
    }

    fn outlined(&mut self, number: i64) -> R<Option<(StoredInventory, Option<Outline>)>> {
        let Some(look) = self.looks(&Which::Number(number))?.pop() else { return Ok(None) };
        let Some(stored) = self.inventory(&look.digest, look.role)? else { return Ok(None) };
        // primary key
        let row = first(self.sql, "SELECT document FROM inventory_outline WHERE inventory = $1", &params![number])?;
        let outline = match row {
            Some(mut row) => Some(
                serde_json::from_slice(&unpack(&row.bytes()?)?)
                    .map_err(|e| Problem::internal("a stored outline cannot be read", e))?,
            ),
            None => None,
        };
        Ok(Some((stored, outline)))
    }

    fn mark_looks(&mut self, looks: &[i64], mark: Mark) -> R<()> {
        for chunk in looks.chunks(KEYS_AT_ONCE) {
            let (set, scanner) = match mark {
                Mark::Holds(scanner) => ("as_of = $2, renew = NULL", scanner),
                Mark::Renew(scanner) => ("renew = $2", scanner),
            };
            // primary key
            self.sql.execute(
                &format!("UPDATE inventory SET {set} WHERE id IN (SELECT CAST(value AS BIGINT) FROM @list($1))"),
                &[numbers(chunk.iter().copied()), scanner.into()],
            )?;
        }
        Ok(())
    }

    fn count_looks(&mut self, stale: &[i64]) -> R<(i64, i64)> {
        let count = |row: Option<Row>| row.map_or(Ok(0), |mut r| r.int());
        // inventory_as_of, inventory_to_renew
        let left = first(
            self.sql,
            "SELECT COUNT(*) FROM inventory
             WHERE renew IS NULL AND as_of IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
            &[numbers(stale.iter().copied())],
        )?;
        let waiting = first(self.sql, "SELECT COUNT(*) FROM inventory WHERE renew IS NOT NULL", &[])?;
        Ok((count(left)?, count(waiting)?))
    }
}
