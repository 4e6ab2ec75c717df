//! Documents of VEX, and their statements by the vulnerabilities that they speak of.

use super::Session;
use crate::sql::{
    KEYS_AT_ONCE, R, Row, Value, all, clean, first, insert_many, numbers, texts,
    value::{json, limit, params, size},
};
use assay_model::{
    Problem,
    package::PackageId,
    seam::meta::{Change, Vex, VexFilter, VexPut},
    vex::{NewVex, VexDocument, VexId, VexOrigin, VexStatement},
};
use std::collections::{BTreeMap, BTreeSet};

const COLUMNS: &str = "id, name, origin, origin_name, author, digest, package, statements, at";

fn origin(kind: &str, name: &str) -> R<VexOrigin> {
    VexOrigin::parse(kind, name).ok_or_else(|| Problem::bug(format!("{kind} is no origin of VEX")))
}

fn read(row: &mut Row) -> R<VexDocument> {
    let (id, name, kind, from) = (VexId(row.int()?), row.text()?, row.text()?, row.text()?);
    Ok(VexDocument {
        id,
        name,
        origin: origin(&kind, &from)?,
        author: row.text()?,
        digest: row.text()?,
        package: row.int_or_null()?.map(PackageId),
        statements: row.unsigned()?,
        at: row.time()?,
    })
}

impl Session<'_> {
    /// Removes the statements of a document; gives the ids that they spoke of.
    fn clear_statements(&mut self, id: VexId) -> R<BTreeSet<String>> {
        let spoken = self.vulnerabilities_in(&[id])?;
        // vex_vulnerability_by_document; primary key
        self.sql.execute("DELETE FROM vex_vulnerability WHERE document = $1", &params![id.0])?;
        self.sql.execute("DELETE FROM vex_statement WHERE document = $1", &params![id.0])?;
        Ok(spoken)
    }

    /// Writes the row of a document; gives its identity and whether it was there.
    fn put_vex_row(&mut self, new: &NewVex) -> R<Option<(VexId, bool)>> {
        let (kind, from) = (new.origin.kind(), new.origin.name());
        let name = clean(&new.name).into_owned();
        // vex_document_by_name
        let before = first(
            self.sql,
            // a revision of an uploaded document may come from someone else
            "SELECT id, digest FROM vex_document
             WHERE name = $1 AND origin = $2 AND (origin_name = $3 OR origin = 'uploaded') @lock",
            &params![&name, kind, from],
        )?;
        let author = new.statements.first().map(|one| clean(&one.author).into_owned()).unwrap_or_default();
        let count = size(new.statements.len() as u64)?;
        let Some(mut row) = before else {
            let made = first(
                self.sql,
                "INSERT INTO vex_document (name, origin, origin_name, author, digest, package, statements, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
                &[
                    name.into(),
                    kind.into(),
                    from.into(),
                    author.into(),
                    (&new.digest).into(),
                    new.package.into(),
                    count,
                    new.at.into(),
                ],
            )?;
            let mut made = made.ok_or_else(|| Problem::bug("a document was not stored"))?;
            return Ok(Some((VexId(made.int()?), false)));
        };
        let (id, digest) = (VexId(row.int()?), row.text()?);
        if digest == new.digest {
            return Ok(None);
        }
        self.sql.execute(
            "UPDATE vex_document SET author = $2, digest = $3, package = $4, statements = $5, at = $6, origin_name = $7
             WHERE id = $1",
            &[id.0.into(), author.into(), (&new.digest).into(), new.package.into(), count, new.at.into(), from.into()],
        )?;
        Ok(Some((id, true)))
    }
}

impl Vex for Session<'_> {
    fn put_vex(&mut self, new: &NewVex) -> R<VexPut> {
        let Some((id, was_there)) = self.put_vex_row(new)? else {
            let filter = (&new.name, new.origin.kind(), new.origin.name());
            let sql = "SELECT id FROM vex_document
                       WHERE name = $1 AND origin = $2 AND (origin_name = $3 OR origin = 'uploaded')";
            let row = first(self.sql, sql, &params![clean(filter.0).into_owned(), filter.1, filter.2])?;
            let id = VexId(row.ok_or_else(|| Problem::bug("a document vanished"))?.int()?);
            return Ok(VexPut { id, change: Change::Unchanged, vulnerabilities: BTreeSet::new() });
        };
        let mut vulnerabilities = if was_there { self.clear_statements(id)? } else { BTreeSet::new() };
        let (mut bodies, mut index) = (Vec::new(), Vec::new());
        for (position, one) in (0_i64..).zip(&new.statements) {
            bodies.push(vec![id.0.into(), position.into(), json(one)?]);
            for spoken in &one.vulnerability {
                let spoken = clean(spoken).into_owned();
                index.push(params![&spoken, id.0, position].to_vec());
                vulnerabilities.insert(spoken);
            }
        }
        insert_many(self.sql, "INSERT INTO vex_statement (document, position, body)", "", bodies)?;
        let once = "ON CONFLICT (id, document, position) DO NOTHING";
        insert_many(self.sql, "INSERT INTO vex_vulnerability (id, document, position)", once, index)?;
        let change = if was_there { Change::Changed } else { Change::New };
        Ok(VexPut { id, change, vulnerabilities })
    }

    fn vex_documents(&mut self, filter: &VexFilter) -> R<Vec<VexDocument>> {
        let mut values: Vec<Value> = vec![limit(filter.limit), filter.before.map_or(i64::MAX, |id| id.0).into()];
        let mut conditions = vec!["id < $2".to_owned()];
        if let Some(kind) = &filter.origin {
            values.push(kind.into());
            conditions.push(format!("origin = ${}", values.len()));
        }
        if let Some(package) = filter.package {
            values.push(package.into());
            conditions.push(format!("package = ${}", values.len()));
        }
        if let Some(id) = &filter.vulnerability {
            values.push(id.into());
            // primary key of vex_vulnerability
            conditions.push(format!("id IN (SELECT document FROM vex_vulnerability WHERE id = ${})", values.len()));
        }
        // primary key, backwards; or vex_document_by_package
        let sql =
            format!("SELECT {COLUMNS} FROM vex_document WHERE {} ORDER BY id DESC LIMIT $1", conditions.join(" AND "));
        all(self.sql, &sql, &values, read)
    }

    fn vex_document(&mut self, id: VexId) -> R<Option<(VexDocument, Vec<VexStatement>)>> {
        // primary key
        let found = first(self.sql, &format!("SELECT {COLUMNS} FROM vex_document WHERE id = $1"), &params![id.0])?;
        let Some(document) = found.map(|mut row| read(&mut row)).transpose()? else { return Ok(None) };
        // primary key, in order
        let sql = "SELECT body FROM vex_statement WHERE document = $1 ORDER BY position";
        let statements = all(self.sql, sql, &params![id.0], |row| row.json())?;
        Ok(Some((document, statements)))
    }

    fn remove_vex(&mut self, id: VexId) -> R<Option<BTreeSet<String>>> {
        let spoken = self.clear_statements(id)?;
        let removed = self.sql.execute("DELETE FROM vex_document WHERE id = $1", &params![id.0])?;
        Ok((removed > 0).then_some(spoken))
    }

    fn statements_about(&mut self, ids: &[String]) -> R<Vec<(VexOrigin, VexStatement)>> {
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // primary keys of vex_vulnerability, vex_statement, vex_document
            let rows = all(
                self.sql,
                "SELECT DISTINCT v.document, v.position, d.origin, d.origin_name, s.body
                 FROM vex_vulnerability v
                   JOIN vex_statement s ON s.document = v.document AND s.position = v.position
                   JOIN vex_document d ON d.id = v.document
                 WHERE v.id IN (SELECT value FROM @list($1))",
                &[texts(chunk)],
                |row| {
                    let place = (row.int()?, row.int()?);
                    let (kind, from) = (row.text()?, row.text()?);
                    Ok((place, (origin(&kind, &from)?, row.json()?)))
                },
            )?;
            found.extend(rows);
        }
        Ok(found.into_values().collect())
    }

    fn vulnerabilities_in(&mut self, documents: &[VexId]) -> R<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for chunk in documents.chunks(KEYS_AT_ONCE) {
            // vex_vulnerability_by_document
            found.extend(all(
                self.sql,
                "SELECT DISTINCT id FROM vex_vulnerability
                 WHERE document IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().map(|id| id.0))],
                |row| row.text(),
            )?);
        }
        Ok(found)
    }
}
