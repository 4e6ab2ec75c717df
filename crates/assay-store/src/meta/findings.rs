//! Findings, one document each, and the index from every id of a finding to its component.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Value, all, clean, insert_many, numbers, texts, value::json, value::params};
use assay_model::{
    component::{ComponentId, StoredComponent},
    finding::{ComponentFinding, Finding},
    package::PackageId,
    seam::meta::Findings,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Findings for Session<'_> {
    fn set_findings(&mut self, component: ComponentId, findings: &[Finding], at: Timestamp) -> R<bool> {
        let mut documents = BTreeMap::new();
        for finding in findings {
            documents.insert(clean(&finding.id).into_owned(), (json(finding)?, finding.severity.as_str()));
        }
        // two matches of one component queue up here
        self.sql.query("SELECT id FROM component WHERE id = $1 @lock", &params![component])?;
        // primary key
        let before: BTreeMap<String, (Value, i64)> =
            all(self.sql, "SELECT id, document, since FROM finding WHERE component = $1", &params![component], |r| {
                Ok((r.text()?, (r.text()?.into(), r.int()?)))
            })?
            .into_iter()
            .collect();
        let same = |id: &String, document: &Value| before.get(id).is_some_and(|(there, _)| there == document);
        if before.len() == documents.len() && documents.iter().all(|(id, (document, _))| same(id, document)) {
            return Ok(false);
        }
        let still = |id: &String, there: &Value| documents.get(id).is_some_and(|(document, _)| document == there);
        let gone = before.iter().filter(|(id, (there, _))| !still(id, there));
        self.remember_findings(component, at, gone.map(|(id, (there, since))| (id, there, *since)))?;
        // primary key; finding_id_by_component
        self.sql.execute("DELETE FROM finding WHERE component = $1", &params![component])?;
        self.sql.execute("DELETE FROM finding_id WHERE component = $1", &params![component])?;
        let since = |id: &String, document: &Value| match before.get(id) {
            Some((there, since)) if there == document => Value::Int(*since),
            _ => at.into(),
        };
        let row = |(id, (document, severity)): (&String, &(Value, &str))| {
            vec![component.into(), id.into(), document.clone(), (*severity).into(), since(id, document)]
        };
        let rows = documents.iter().map(row).collect();
        insert_many(self.sql, "INSERT INTO finding (component, id, document, severity, since)", "", rows)?;
        let ids: BTreeSet<_> = findings.iter().flat_map(Finding::ids).map(|id| clean(id).into_owned()).collect();
        let rows = ids.into_iter().map(|id| params![id, component].to_vec()).collect();
        insert_many(
            self.sql,
            "INSERT INTO finding_id (id, component)",
            "ON CONFLICT (id, component) DO NOTHING",
            rows,
        )?;
        Ok(true)
    }

    fn findings_of(&mut self, components: &[ComponentId]) -> R<Vec<ComponentFinding>> {
        let wanted: BTreeSet<i64> = components.iter().map(|c| c.0).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut found = Vec::new();
        for chunk in wanted.chunks(KEYS_AT_ONCE) {
            // primary key, in order
            found.extend(all(
                self.sql,
                "SELECT component, document FROM finding
                 WHERE component IN (SELECT CAST(value AS BIGINT) FROM @list($1)) ORDER BY component, id",
                &[numbers(chunk.iter().copied())],
                |r| Ok(ComponentFinding { component: ComponentId(r.int()?), finding: r.json()? }),
            )?);
        }
        Ok(found)
    }

    fn components_found(&mut self, packages: &[PackageId]) -> R<BTreeMap<PackageId, Vec<StoredComponent>>> {
        // primary key of finding
        self.held(packages, "AND EXISTS (SELECT 1 FROM finding n WHERE n.component = o.component)")
    }

    fn components_with_ids(&mut self, ids: &[String]) -> R<Vec<ComponentId>> {
        let mut found = BTreeSet::new();
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // primary key of finding_id
            found.extend(all(
                self.sql,
                "SELECT DISTINCT component FROM finding_id WHERE id IN (SELECT value FROM @list($1))",
                &[texts(chunk)],
                |r| r.int(),
            )?);
        }
        Ok(found.into_iter().map(ComponentId).collect())
    }
}
