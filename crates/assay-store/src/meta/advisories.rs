//! Advisories: the current revision of each, earlier revisions, and the rows derived from the current one (keys, aliases,
//! stated severities). Reading the derived rows of severity is in `severities`.

use super::{Session, pack, unpack};
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, clean, insert_many, numbers, pairs, texts, value::params};
use assay_model::{
    Problem,
    advisory::Advisory,
    seam::{
        matcher::StoredAdvisory,
        meta::{Advisories, Change, NewAdvisory},
    },
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Records handled by one round of statements.
const RECORDS_AT_ONCE: usize = 1024;

/// Longer names and ids are not filed: no component has them, and no index row could hold them.
const NAME_LIMIT: usize = 800;

type Keys = Vec<(String, String)>;

/// A current revision, as far as an import needs it.
struct Current {
    number: i64,
    revision: String,
    withdrawn: bool,
}

/// Rows derived from current revisions.
#[derive(Default)]
struct Derived {
    keys: BTreeSet<(String, String, i64)>,
    aliases: BTreeSet<(String, String, i64)>,
    stated: Vec<Vec<Value>>,
}

impl Derived {
    fn add(&mut self, number: i64, new: &NewAdvisory) {
        let fits = |a: &str, b: &str| a.len() <= NAME_LIMIT && b.len() <= NAME_LIMIT;
        for (ecosystem, name) in new.keys.iter().filter(|(e, n)| fits(e, n)) {
            self.keys.insert((clean(ecosystem).into_owned(), clean(name).into_owned(), number));
        }
        let advisory = &new.stored.advisory;
        if advisory.withdrawn.is_none() {
            let own = clean(&advisory.id).into_owned();
            // a record with several upstreams is a bundle: it makes none of them the same as another
            let upstream = if advisory.upstream.len() == 1 { advisory.upstream.as_slice() } else { &[] };
            let mut names = advisory.aliases.iter().chain(upstream);
            // an address in a database is no name: its other names are the same as the first of them
            let own = if advisory.is_entry() { names.next().map(|id| clean(id).into_owned()) } else { Some(own) };
            for (own, id) in own.iter().flat_map(|own| names.clone().map(move |id| (own, id))) {
                if own != id && fits(own, id) {
                    self.aliases.insert((own.clone(), clean(id).into_owned(), number));
                }
            }
        }
        for (place, s) in new.stated.iter().enumerate().filter(|(_, s)| s.id.len() <= NAME_LIMIT) {
            let word = |text: &str| Value::from(clean(text).as_ref());
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            self.stated.push(vec![
                word(&s.id),
                number.into(),
                place.into(),
                word(&s.advisory),
                word(&s.kind),
                word(&s.vector),
            ]);
        }
    }

    fn write(self, session: &mut Session<'_>) -> R<()> {
        let rows = |set: BTreeSet<(String, String, i64)>| set.into_iter().map(|(a, b, n)| params![a, b, n].to_vec());
        insert_many(
            session.sql,
            "INSERT INTO advisory_key (ecosystem, name, advisory)",
            "",
            rows(self.keys).collect(),
        )?;
        insert_many(session.sql, "INSERT INTO advisory_alias (a, b, advisory)", "", rows(self.aliases).collect())?;
        insert_many(session.sql, "INSERT INTO stated (id, advisory, place, stated_by, kind, vector)", "", self.stated)?;
        Ok(())
    }
}

/// The current revision's documents: the bytes as read, and the record where those are not it.
fn documents(new: &NewAdvisory) -> R<(Vec<u8>, Option<Vec<u8>>)> {
    let same = serde_json::from_slice::<Advisory>(&new.bytes).is_ok_and(|read| read == new.stored.advisory);
    let record = if same {
        None
    } else {
        let text = serde_json::to_vec(&new.stored.advisory).map_err(|e| Problem::internal("cannot write JSON", e))?;
        Some(pack(&text)?)
    };
    Ok((pack(&new.bytes)?, record))
}

fn row(new: &NewAdvisory, at: Timestamp) -> R<Vec<Value>> {
    let (document, record) = documents(new)?;
    let stored = &new.stored;
    let withdrawn = stored.advisory.withdrawn.is_some();
    Ok(params![
        clean(&stored.source).as_ref(),
        clean(&stored.advisory.id).as_ref(),
        clean(&stored.revision).as_ref(),
        withdrawn,
        at,
        document,
        record
    ]
    .to_vec())
}

fn read(row: &mut Row) -> R<StoredAdvisory> {
    let (source, revision) = (row.text()?, row.text()?);
    let document = row.bytes()?;
    let bytes = unpack(&row.bytes_or_null()?.unwrap_or(document))?;
    let advisory =
        serde_json::from_slice(&bytes).map_err(|e| Problem::internal("a stored advisory cannot be read", e))?;
    Ok(StoredAdvisory { advisory, source, revision })
}

fn change(before: Option<&Current>, new: &NewAdvisory) -> Change {
    match before {
        None => Change::New,
        Some(b) if b.revision == clean(&new.stored.revision) => Change::Unchanged,
        Some(b) if !b.withdrawn && new.stored.advisory.withdrawn.is_some() => Change::Withdrawn,
        Some(_) => Change::Changed,
    }
}

fn address(new: &NewAdvisory) -> (String, String) {
    (clean(&new.stored.source).into_owned(), clean(&new.stored.advisory.id).into_owned())
}

/// Splits where an id comes again, so that each part has every id once.
fn parts(advisories: &[NewAdvisory]) -> Vec<&[NewAdvisory]> {
    let mut parts = Vec::new();
    let mut rest = advisories;
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let end = rest.iter().take(RECORDS_AT_ONCE).take_while(|a| seen.insert(address(a))).count();
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}

impl Session<'_> {
    fn current(&mut self, part: &[&NewAdvisory]) -> R<HashMap<(String, String), Current>> {
        let addresses: Vec<_> = part.iter().map(|a| address(a)).collect();
        // unique (source, id)
        let rows = all(
            self.sql,
            "SELECT a.source, a.id, a.number, a.revision, a.withdrawn FROM @rows($1) k
             JOIN advisory a ON a.source = k.value->>0 AND a.id = k.value->>1",
            &[pairs(addresses.iter().map(|(source, id)| (source.as_str(), id.as_str())))],
            |r| {
                let address = (r.text()?, r.text()?);
                Ok((address, Current { number: r.int()?, revision: r.text()?, withdrawn: r.flag()? }))
            },
        )?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps the revisions that are about to be replaced, and takes back what was derived from them; gives their keys.
    fn retire(&mut self, numbers_: &[i64]) -> R<HashMap<i64, Keys>> {
        let list = [numbers(numbers_.iter().copied())];
        // advisory_key_by_advisory
        let rows = all(
            self.sql,
            "SELECT advisory, ecosystem, name FROM advisory_key
             WHERE advisory IN (SELECT CAST(value AS BIGINT) FROM @list($1)) ORDER BY advisory, ecosystem, name",
            &list,
            |r| Ok((r.int()?, (r.text()?, r.text()?))),
        )?;
        self.sql.execute(
            "INSERT INTO advisory_revision (advisory, revision, seen_at, document, record)
             SELECT number, revision, seen_at, document, record FROM advisory
             WHERE number IN (SELECT CAST(value AS BIGINT) FROM @list($1))
             ON CONFLICT (advisory, revision) DO NOTHING",
            &list,
        )?;
        // advisory_key_by_advisory, advisory_alias_by_advisory, stated_by_advisory
        for table in ["advisory_key", "advisory_alias", "stated"] {
            self.sql.execute(
                &format!("DELETE FROM {table} WHERE advisory IN (SELECT CAST(value AS BIGINT) FROM @list($1))"),
                &list,
            )?;
        }
        let mut keys: HashMap<i64, Keys> = HashMap::new();
        for (number, key) in rows {
            keys.entry(number).or_default().push(key);
        }
        Ok(keys)
    }

    fn put_part(&mut self, part: &[NewAdvisory], at: Timestamp) -> R<Vec<(Change, Keys)>> {
        let before = self.current(&part.iter().collect::<Vec<_>>())?;
        let changes: Vec<Change> = part.iter().map(|a| change(before.get(&address(a)), a)).collect();
        let mut written: Vec<&NewAdvisory> =
            part.iter().zip(&changes).filter(|(_, c)| **c != Change::Unchanged).map(|(a, _)| a).collect();
        written.sort_by_cached_key(|a| address(a));
        let replaced: Vec<i64> = written.iter().filter_map(|a| before.get(&address(a))).map(|c| c.number).collect();
        let mut keys = if replaced.is_empty() { HashMap::new() } else { self.retire(&replaced)? };
        insert_many(
            self.sql,
            "INSERT INTO advisory (source, id, revision, withdrawn, seen_at, document, record)",
            "ON CONFLICT (source, id) DO UPDATE SET revision = excluded.revision, withdrawn = excluded.withdrawn,
               seen_at = excluded.seen_at, document = excluded.document, record = excluded.record",
            written.iter().map(|a| row(a, at)).collect::<R<_>>()?,
        )?;
        if !written.is_empty() {
            let after = self.current(&written)?;
            let mut derived = Derived::default();
            for advisory in &written {
                let current = after.get(&address(advisory)).ok_or_else(|| Problem::bug("an advisory is gone"))?;
                derived.add(current.number, advisory);
            }
            derived.write(self)?;
        }
        let previous = part.iter().map(|a| before.get(&address(a)).and_then(|c| keys.remove(&c.number)));
        Ok(changes.into_iter().zip(previous.map(Option::unwrap_or_default)).collect())
    }

    /// Current advisories by a list parameter; `condition` names them under the alias `a`.
    fn load_advisories(&mut self, condition: &str, list: Value) -> R<Vec<StoredAdvisory>> {
        all(
            self.sql,
            &format!("SELECT a.source, a.revision, a.document, a.record FROM advisory a WHERE {condition}"),
            &[list],
            read,
        )
    }
}

/// By source and id, each once.
fn sorted(mut found: Vec<StoredAdvisory>) -> Vec<StoredAdvisory> {
    found.sort_by(|a, b| (&a.source, &a.advisory.id).cmp(&(&b.source, &b.advisory.id)));
    found.dedup_by(|a, b| a.source == b.source && a.advisory.id == b.advisory.id);
    found
}

impl Advisories for Session<'_> {
    fn advisory_revisions(&mut self, source: &str, ids: &[String]) -> R<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // unique (source, id)
            found.extend(all(
                self.sql,
                "SELECT id, revision FROM advisory WHERE source = $1 AND id IN (SELECT value FROM @list($2))",
                &[source.into(), texts(chunk)],
                |r| Ok((r.text()?, r.text()?)),
            )?);
        }
        Ok(found)
    }

    fn put_advisories(&mut self, advisories: &[NewAdvisory], at: Timestamp) -> R<Vec<(Change, Keys)>> {
        let mut done = Vec::with_capacity(advisories.len());
        for part in parts(advisories) {
            done.extend(self.put_part(part, at)?);
        }
        Ok(done)
    }

    fn advisories_filed(&mut self, keys: &[(String, String)]) -> R<Vec<StoredAdvisory>> {
        let mut found = Vec::new();
        for chunk in keys.chunks(KEYS_AT_ONCE) {
            // primary key of advisory_key, primary key of advisory
            found.extend(self.load_advisories(
                "a.number IN (SELECT x.advisory FROM @rows($1) k
                 JOIN advisory_key x ON x.ecosystem = k.value->>0 AND x.name = k.value->>1)",
                pairs(chunk.iter().map(|(ecosystem, name)| (ecosystem.as_str(), name.as_str()))),
            )?);
        }
        Ok(sorted(found))
    }

    fn advisories(&mut self, ids: &[String]) -> R<Vec<StoredAdvisory>> {
        let mut found = Vec::new();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // advisory_by_id
            found.extend(self.load_advisories("a.id IN (SELECT value FROM @list($1))", texts(chunk))?);
        }
        Ok(sorted(found))
    }

    fn advisory_ids(&mut self, source: &str, after: &str, limit: usize) -> R<Vec<String>> {
        // unique (source, id), in order
        all(
            self.sql,
            "SELECT id FROM advisory WHERE source = $1 AND id > $2 AND withdrawn = $3 ORDER BY id LIMIT $4",
            &params![source, after, false, i64::try_from(limit).unwrap_or(i64::MAX)],
            |r| r.text(),
        )
    }

    fn advisory_counts(&mut self) -> R<BTreeMap<String, i64>> {
        // unique (source, id), counted in the index
        let rows =
            all(self.sql, "SELECT source, COUNT(*) FROM advisory GROUP BY source", &[], |r| Ok((r.text()?, r.int()?)))?;
        Ok(rows.into_iter().collect())
    }
}
