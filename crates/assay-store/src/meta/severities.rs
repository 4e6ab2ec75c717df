//! The alias graph and stated severities, read by vulnerability id. They are written with their advisory.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, all, texts};
use assay_model::{score::StatedSeverity, seam::meta::Severities};
use std::collections::BTreeSet;

/// How far the alias graph is followed: far beyond real records, near enough that a hostile one costs little.
const ROUNDS: usize = 8;
/// How many ids a closure may reach.
const IDS_LIMIT: usize = 20_000;

impl Severities for Session<'_> {
    fn aliases_of(&mut self, ids: &[String]) -> R<Vec<(String, String)>> {
        let mut known: BTreeSet<String> = ids.iter().cloned().collect();
        let mut frontier: Vec<String> = known.iter().cloned().collect();
        let mut found = BTreeSet::new();
        for _ in 0..ROUNDS {
            if frontier.is_empty() || known.len() > IDS_LIMIT {
                break;
            }
            let mut next = Vec::new();
            for chunk in frontier.chunks(KEYS_AT_ONCE) {
                // primary key (a, ...) and advisory_alias_by_b
                let pairs = all(
                    self.sql,
                    "SELECT a, b FROM advisory_alias WHERE a IN (SELECT value FROM @list($1))
                     UNION SELECT a, b FROM advisory_alias WHERE b IN (SELECT value FROM @list($1))",
                    &[texts(chunk)],
                    |r| Ok((r.text()?, r.text()?)),
                )?;
                for (a, b) in pairs {
                    for id in [&a, &b] {
                        if known.insert(id.clone()) {
                            next.push(id.clone());
                        }
                    }
                    found.insert((a, b));
                }
            }
            frontier = next;
        }
        Ok(found.into_iter().collect())
    }

    fn stated_for(&mut self, ids: &[String]) -> R<Vec<StatedSeverity>> {
        let wanted: BTreeSet<&String> = ids.iter().collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let mut found = Vec::new();
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // primary key (id, ...)
            found.extend(all(
                self.sql,
                "SELECT id, stated_by, kind, vector FROM stated WHERE id IN (SELECT value FROM @list($1))
                 ORDER BY id, stated_by, kind, vector",
                &[texts(chunk)],
                |r| Ok(StatedSeverity { id: r.text()?, advisory: r.text()?, kind: r.text()?, vector: r.text()? }),
            )?);
        }
        found.dedup();
        Ok(found)
    }
}
