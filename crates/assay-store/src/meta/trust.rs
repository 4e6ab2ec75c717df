//! Who is trusted to sign, evidence by what it is about, and for whom packages were taken.

use super::{Session, pack, unpack};
use crate::sql::{
    KEYS_AT_ONCE, R, Row, Value, all, clean, first, insert_many, numbers, texts,
    value::{json, limit, params},
};
use assay_model::{
    Problem,
    package::PackageId,
    seam::meta::{EvidenceTable, KeptEvidence, NewEvidence, Requesters, TrustTable},
    trust::{Evidence, Trusted},
};
use std::collections::{BTreeMap, BTreeSet};

fn read_body(row: &mut Row) -> R<Evidence> {
    let bytes = unpack(&row.bytes()?)?;
    serde_json::from_slice(&bytes).map_err(|e| Problem::internal("stored evidence cannot be read", e))
}

fn body(evidence: &Evidence) -> R<Value> {
    let text = serde_json::to_vec(evidence).map_err(|e| Problem::internal("cannot write JSON", e))?;
    pack(&text).map(Value::Bytes)
}

impl TrustTable for Session<'_> {
    fn trusted(&mut self) -> R<Vec<Trusted>> {
        all(self.sql, "SELECT document FROM trusted ORDER BY name", &[], Row::json)
    }

    fn put_trusted(&mut self, trusted: &Trusted) -> R<()> {
        let sql = "INSERT INTO trusted (name, document) VALUES ($1, $2)
                   ON CONFLICT (name) DO UPDATE SET document = excluded.document";
        self.sql.execute(sql, &[(&trusted.name).into(), json(trusted)?]).map(|_| ())
    }

    fn remove_trusted(&mut self, name: &str) -> R<bool> {
        Ok(self.sql.execute("DELETE FROM trusted WHERE name = $1", &params![name])? > 0)
    }
}

/// Where a package lives, apart from its version.
struct Place {
    repository: i64,
    format: String,
    name: String,
    version: String,
}

impl Session<'_> {
    fn address(&mut self, package: PackageId) -> R<Option<Place>> {
        // primary key
        let sql = "SELECT repository, format, name, version FROM package WHERE id = $1";
        first(self.sql, sql, &params![package])?
            .map(|mut row| {
                Ok(Place { repository: row.int()?, format: row.text()?, name: row.text()?, version: row.text()? })
            })
            .transpose()
    }

    /// Packages with one of these versions, and those that one of these lists.
    fn subjects(&mut self, place: &Place, versions: &BTreeSet<String>) -> R<BTreeSet<PackageId>> {
        let mut found = BTreeSet::new();
        let versions: Vec<&String> = versions.iter().collect();
        for chunk in versions.chunks(KEYS_AT_ONCE) {
            // unique (repository, format, name, version); evidence_part_by_whole
            found.extend(all(
                self.sql,
                "SELECT p.id FROM package p WHERE p.repository = $1 AND p.format = $2 AND p.name = $3
                   AND p.version IN (SELECT value FROM @list($4)) AND p.state <> 'deleted'
                 UNION ALL
                 SELECT p.id FROM evidence_part x JOIN package p
                   ON p.repository = x.repository AND p.format = x.format AND p.name = x.name AND p.version = x.part
                 WHERE x.repository = $1 AND x.format = $2 AND x.name = $3
                   AND x.whole IN (SELECT value FROM @list($4)) AND p.state <> 'deleted'",
                &[place.repository.into(), (&place.format).into(), (&place.name).into(), texts(chunk)],
                |r| Ok(PackageId(r.int()?)),
            )?);
        }
        Ok(found)
    }

    /// What a package holds, without its number.
    fn held_by(&mut self, holder: PackageId) -> R<Vec<NewEvidence>> {
        // evidence_by_holder
        let sql = "SELECT about, place, body FROM evidence WHERE holder = $1 ORDER BY id";
        all(self.sql, sql, &params![holder], |r| {
            Ok(NewEvidence { about: r.text()?, place: r.text_or_null()?, evidence: read_body(r)? })
        })
    }

    /// Lets go of what other packages hold about a version in the same place; says whether there was anything. They hold it
    /// still, about nothing: what they are does not change with a name that points elsewhere.
    fn displace(&mut self, holder: PackageId, at: &Place, about: &str, place: &str) -> R<bool> {
        // evidence_by_subject
        let gone = self.sql.execute(
            "UPDATE evidence SET about = '', place = NULL WHERE repository = $1 AND format = $2 AND name = $3
               AND about = $4 AND place = $5 AND holder <> $6",
            &params![at.repository, &at.format, &at.name, about, place, holder],
        )?;
        Ok(gone > 0)
    }
}

impl EvidenceTable for Session<'_> {
    fn set_evidence(&mut self, holder: PackageId, evidence: &[NewEvidence]) -> R<BTreeSet<PackageId>> {
        let before = self.held_by(holder)?;
        if before.is_empty() && evidence.is_empty() {
            return Ok(BTreeSet::new());
        }
        let Some(at) = self.address(holder)? else { return Ok(BTreeSet::new()) };
        let mut abouts = BTreeSet::new();
        let places: BTreeSet<(&String, &String)> =
            evidence.iter().filter_map(|one| Some((&one.about, one.place.as_ref()?))).collect();
        for (about, place) in places {
            if self.displace(holder, &at, about, place)? {
                abouts.insert(about.clone());
            }
        }
        if before != evidence {
            abouts.extend(before.iter().chain(evidence).map(|one| one.about.clone()));
            self.sql.execute("DELETE FROM evidence WHERE holder = $1", &params![holder])?;
            let mut rows = Vec::with_capacity(evidence.len());
            for one in evidence {
                let place = one.place.as_deref().map(clean);
                let (about, place) = (clean(&one.about), place.as_deref());
                let mut row = params![at.repository, &at.format, &at.name, about.as_ref(), holder, place].to_vec();
                row.push(body(&one.evidence)?);
                rows.push(row);
            }
            let head = "INSERT INTO evidence (repository, format, name, about, holder, place, body)";
            insert_many(self.sql, head, "", rows)?;
        }
        self.subjects(&at, &abouts)
    }

    fn set_parts(&mut self, whole: PackageId, parts: &[String]) -> R<BTreeSet<PackageId>> {
        // evidence_part_by_holder
        let sql = "SELECT part FROM evidence_part WHERE holder = $1";
        let before: BTreeSet<String> = all(self.sql, sql, &params![whole], Row::text)?.into_iter().collect();
        let after: BTreeSet<String> = parts.iter().cloned().collect();
        if before == after {
            return Ok(BTreeSet::new());
        }
        let Some(at) = self.address(whole)? else { return Ok(BTreeSet::new()) };
        self.sql.execute("DELETE FROM evidence_part WHERE holder = $1", &params![whole])?;
        let row = |part: &String| {
            params![at.repository, &at.format, &at.name, clean(part).as_ref(), &at.version, whole].to_vec()
        };
        insert_many(
            self.sql,
            "INSERT INTO evidence_part (repository, format, name, part, whole, holder)",
            "ON CONFLICT (repository, format, name, part, whole) DO UPDATE SET holder = excluded.holder",
            after.iter().map(row).collect(),
        )?;
        // evidence_by_subject
        let spoken = first(
            self.sql,
            "SELECT 1 FROM evidence WHERE repository = $1 AND format = $2 AND name = $3 AND about = $4 LIMIT 1",
            &params![at.repository, &at.format, &at.name, &at.version],
        )?;
        if spoken.is_none() {
            return Ok(BTreeSet::new());
        }
        let changed = before.symmetric_difference(&after).cloned().collect();
        self.subjects(&at, &changed)
    }

    fn evidence_about(&mut self, packages: &[PackageId], most: usize) -> R<BTreeMap<PackageId, Vec<Evidence>>> {
        let mut pairs: Vec<(PackageId, i64)> = Vec::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key of package, evidence_by_subject; primary key of evidence_part
            pairs.extend(all(
                self.sql,
                "SELECT p.id, e.id FROM package p JOIN evidence e
                   ON e.repository = p.repository AND e.format = p.format AND e.name = p.name AND e.about = p.version
                 WHERE p.id IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                 UNION ALL
                 SELECT p.id, e.id FROM package p JOIN evidence_part x
                   ON x.repository = p.repository AND x.format = p.format AND x.name = p.name AND x.part = p.version
                 JOIN evidence e
                   ON e.repository = x.repository AND e.format = x.format AND e.name = x.name AND e.about = x.whole
                 WHERE p.id IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                 ORDER BY 1, 2",
                &[numbers(chunk.iter().map(|id| id.0))],
                |r| Ok((PackageId(r.int()?), r.int()?)),
            )?);
        }
        let mut wanted: BTreeMap<PackageId, Vec<i64>> = BTreeMap::new();
        for (package, evidence) in pairs {
            let ids = wanted.entry(package).or_default();
            if ids.len() < most {
                ids.push(evidence);
            }
        }
        let mut bodies = BTreeMap::new();
        let ids: BTreeSet<i64> = wanted.values().flatten().copied().collect();
        for chunk in ids.into_iter().collect::<Vec<_>>().chunks(KEYS_AT_ONCE) {
            // primary key
            bodies.extend(all(
                self.sql,
                "SELECT id, body FROM evidence WHERE id IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().copied())],
                |r| Ok((r.int()?, read_body(r)?)),
            )?);
        }
        let of = |ids: Vec<i64>| ids.iter().filter_map(|id| bodies.get(id).cloned()).collect();
        Ok(wanted.into_iter().map(|(package, ids)| (package, of(ids))).collect())
    }

    fn evidence_held(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<Evidence>>> {
        let mut found: BTreeMap<PackageId, Vec<Evidence>> = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // evidence_by_holder
            let rows = all(
                self.sql,
                "SELECT holder, body FROM evidence WHERE holder IN (SELECT CAST(value AS BIGINT) FROM @list($1))
                 ORDER BY id",
                &[numbers(chunk.iter().map(|id| id.0))],
                |r| Ok((PackageId(r.int()?), read_body(r)?)),
            )?;
            for (holder, evidence) in rows {
                found.entry(holder).or_default().push(evidence);
            }
        }
        Ok(found)
    }

    fn walk_evidence(&mut self, after: i64, most: usize) -> R<Vec<KeptEvidence>> {
        // primary keys, in order
        let rows = all(
            self.sql,
            "SELECT e.id, e.repository, r.name, e.format, e.name, e.about
             FROM evidence e JOIN repository r ON r.id = e.repository WHERE e.id > $1 ORDER BY e.id LIMIT $2",
            &[after.into(), limit(most)],
            |r| {
                let (id, repository, called) = (r.int()?, r.int()?, r.text()?);
                let at = Place { repository, format: r.text()?, name: r.text()?, version: r.text()? };
                Ok((id, called, at))
            },
        )?;
        let mut kept = Vec::with_capacity(rows.len());
        for (id, repository, at) in rows {
            let packages = self.subjects(&at, &BTreeSet::from([at.version.clone()]))?.into_iter().collect();
            kept.push(KeptEvidence { id, packages, repository, format: at.format, name: at.name });
        }
        Ok(kept)
    }
}

impl Requesters for Session<'_> {
    fn note_requester(&mut self, package: PackageId, who: &str) -> R<()> {
        let sql = "INSERT INTO requester (package, name) VALUES ($1, $2)
                   ON CONFLICT (package) DO UPDATE SET name = excluded.name";
        self.sql.execute(sql, &params![package, clean(who).as_ref()]).map(|_| ())
    }

    fn requesters(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, String>> {
        let mut found = BTreeMap::new();
        for chunk in packages.chunks(KEYS_AT_ONCE) {
            // primary key
            found.extend(all(
                self.sql,
                "SELECT package, name FROM requester WHERE package IN (SELECT CAST(value AS BIGINT) FROM @list($1))",
                &[numbers(chunk.iter().map(|id| id.0))],
                |r| Ok((PackageId(r.int()?), r.text()?)),
            )?);
        }
        Ok(found)
    }
}
