//! Packages: their address, and what the gate reads.

use super::Session;
use crate::sql::{KEYS_AT_ONCE, R, Row, Value, all, clean, first, numbers, value, value::json, value::params};
use assay_model::{
    Problem,
    decision::DecisionId,
    package::{Coordinates, NewPackage, Override, Package, PackageId, State},
    repository::RepositoryId,
    seam::meta::{PackageFilter, Packages, Within},
};
use std::collections::{BTreeSet, HashMap};

/// The columns of a package under the alias `p`, in the order that [`read`] reads them.
pub(super) const COLUMNS: &str = "p.id, p.repository, p.format, p.name, p.version, p.metadata, p.state, p.held, p.tags, \
                                  p.decision, p.uploader, p.uploaded_at, p.published_at, p.origin";

pub(super) fn read(row: &mut Row) -> R<Package> {
    Ok(Package {
        id: PackageId(row.int()?),
        repository: RepositoryId(row.int()?),
        at: Coordinates { format: row.text()?, name: row.text()?, version: row.text()? },
        metadata: row.json()?,
        state: row.word(State::parse)?,
        held: row.json_or_null()?,
        tags: row.json()?,
        decision: row.text_or_null()?.map(DecisionId),
        uploader: row.text()?,
        uploaded_at: row.time()?,
        published_at: row.time_or_null()?,
        origin: row.text_or_null()?,
    })
}

impl Packages for Session<'_> {
    fn put_package(&mut self, package: &NewPackage) -> R<(PackageId, bool)> {
        let at = &package.at;
        let metadata = json(&package.metadata)?;
        let made = first(
            self.sql,
            "INSERT INTO package (repository, format, name, version, metadata, state, tags, uploader, uploaded_at, published_at,
               origin)
             VALUES ($1, $2, $3, $4, $5, 'pending', '[]', $6, $7, $8, $9)
             ON CONFLICT (repository, format, name, version) DO UPDATE SET metadata = excluded.metadata, state = 'pending',
               tags = '[]', held = NULL, decision = NULL, uploader = excluded.uploader,
               uploaded_at = excluded.uploaded_at, published_at = excluded.published_at,
               origin = excluded.origin
             WHERE package.state = 'deleted' AND NOT EXISTS (SELECT 1 FROM file f WHERE f.package = package.id)
             RETURNING id",
            &[
                package.repository.into(),
                (&at.format).into(),
                (&at.name).into(),
                (&at.version).into(),
                metadata.clone(),
                (&package.uploader).into(),
                package.uploaded_at.into(),
                package.published_at.into(),
                package.origin.as_deref().into(),
            ],
        )?;
        if let Some(mut row) = made {
            let id = PackageId(row.int()?);
            self.count_package(package.repository, 1)?;
            self.forget_overrides(id)?;
            return Ok((id, true));
        }
        // unique (repository, format, name, version)
        let kept = first(
            self.sql,
            "UPDATE package SET metadata = $5, published_at = COALESCE($6, published_at)
             WHERE repository = $1 AND format = $2 AND name = $3 AND version = $4 RETURNING id",
            &[
                package.repository.into(),
                (&at.format).into(),
                (&at.name).into(),
                (&at.version).into(),
                metadata,
                package.published_at.into(),
            ],
        )?;
        let mut row = kept.ok_or_else(|| Problem::bug("a package is neither there nor new"))?;
        Ok((PackageId(row.int()?), false))
    }

    fn packages(&mut self, ids: &[PackageId]) -> R<Vec<Package>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(KEYS_AT_ONCE) {
            // primary key
            let rows = all(
                self.sql,
                &format!("SELECT {COLUMNS} FROM package p WHERE p.id IN (SELECT CAST(value AS BIGINT) FROM @list($1))"),
                &[numbers(chunk.iter().map(|p| p.0))],
                read,
            )?;
            found.extend(rows.into_iter().map(|p| (p.id, p)));
        }
        let mut seen = BTreeSet::new();
        Ok(ids.iter().filter(|id| seen.insert(**id)).filter_map(|id| found.remove(id)).collect())
    }

    fn packages_named(
        &mut self,
        repository: RepositoryId,
        format: &str,
        name: &str,
        version: Option<&str>,
    ) -> R<Vec<Package>> {
        // unique (repository, format, name, version)
        let of_name = format!(
            "SELECT {COLUMNS} FROM package p
             WHERE p.repository = $1 AND p.format = $2 AND p.name = $3 AND p.state <> 'deleted'"
        );
        match version {
            Some(version) => all(
                self.sql,
                &format!("{of_name} AND p.version = $4 ORDER BY p.id"),
                &params![repository, format, name, version],
                read,
            ),
            None => all(self.sql, &format!("{of_name} ORDER BY p.id"), &params![repository, format, name], read),
        }
    }

    fn is_own_name(&mut self, within: &Within<'_>, name: &str) -> R<bool> {
        // unique (repository, format, name, version)
        let found = first(
            self.sql,
            "SELECT 1 FROM package WHERE repository = $1 AND format = $2 AND name = $3 AND origin IS NULL LIMIT 1",
            &params![within.repository, within.format, name],
        )?;
        Ok(found.is_some())
    }

    fn package_names(
        &mut self,
        repository: RepositoryId,
        format: &str,
        after: Option<&str>,
        limit: usize,
    ) -> R<Vec<String>> {
        // unique (repository, format, name, version), in order; every name sorts after the empty one
        all(
            self.sql,
            "SELECT DISTINCT p.name FROM package p
             WHERE p.repository = $1 AND p.format = $2 AND p.name > $3 AND p.state IN ('available', 'pending')
             ORDER BY p.name LIMIT $4",
            &[repository.into(), format.into(), after.unwrap_or_default().into(), value::limit(limit)],
            |r| r.text(),
        )
    }

    fn search_names(&mut self, within: &Within<'_>, text: &str, skip: usize, limit: usize) -> R<(Vec<String>, usize)> {
        let pattern = pattern(text);
        // unique (repository, format, name, version): the names of one repository are looked through
        let of_text = "FROM package p WHERE p.repository = $1 AND p.format = $2
                       AND p.state IN ('available', 'pending') AND lower(p.name) LIKE $3 ESCAPE '\\'";
        let keys = [within.repository.into(), within.format.into(), pattern.as_str().into()];
        let count = first(self.sql, &format!("SELECT COUNT(DISTINCT p.name) {of_text}"), &keys)?;
        let count = count.map_or(Ok(0), |mut row| row.int())?;
        let [repository, format, pattern] = keys;
        let names = all(
            self.sql,
            &format!("SELECT DISTINCT p.name {of_text} ORDER BY p.name LIMIT $4 OFFSET $5"),
            &[repository, format, pattern, value::limit(limit), value::limit(skip)],
            |row| row.text(),
        )?;
        Ok((names, usize::try_from(count).unwrap_or(0)))
    }

    fn list_packages(&mut self, filter: &PackageFilter) -> R<Vec<Package>> {
        let (mut conditions, mut params) = conditions(filter);
        if let Some(query) = &filter.query {
            let fits = self.condition(query, params.len())?;
            conditions.push(fits.sql);
            params.extend(fits.params);
        }
        params.push(value::limit(filter.limit));
        // package_by_repository for one repository, package_by_state for a state, else the primary key: each descending,
        // until the page is full
        all(
            self.sql,
            &format!(
                "SELECT {COLUMNS} FROM package p WHERE {} ORDER BY p.id DESC LIMIT ${}",
                conditions.join(" AND "),
                params.len()
            ),
            &params,
            read,
        )
    }

    fn set_standing(
        &mut self,
        id: PackageId,
        state: State,
        tags: &BTreeSet<String>,
        decision: Option<&DecisionId>,
        held: Option<Option<&Override>>,
    ) -> R<()> {
        let mut set = "UPDATE package SET state = $2, tags = $3".to_owned();
        let mut params = vec![Value::from(id), state.as_str().into(), json(tags)?];
        if let Some(decision) = decision {
            params.push(decision.into());
            set.push_str(&format!(", decision = ${}", params.len()));
        }
        if let Some(held) = held {
            params.push(held.map_or(Ok(Value::Null), json)?);
            set.push_str(&format!(", held = ${}", params.len()));
        }
        // primary key
        match self.sql.execute(&format!("{set} WHERE id = $1"), &params)? {
            0 => Err(Problem::not_found("no such package")),
            _ => Ok(()),
        }
    }
}

/// The LIKE pattern of what contains `text`.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in clean(text).to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The conditions of a filter, and their parameters.
fn conditions(filter: &PackageFilter) -> (Vec<String>, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut params = Vec::new();
    let mut add = |condition: &str, value: Value| {
        params.push(value);
        conditions.push(condition.replace("$?", &format!("${}", params.len())));
    };
    match filter.state {
        Some(state) => add("p.state = $? AND p.state <> 'deleted'", state.as_str().into()),
        None => add("p.state <> $?", State::Deleted.as_str().into()),
    }
    match filter.repositories.as_deref() {
        None => {}
        Some([one]) => add("p.repository = $?", (*one).into()),
        // the plus sign keeps the index out of it: the primary key gives the order, and the page is full soon
        Some(several) => {
            add("+p.repository IN (SELECT CAST(value AS BIGINT) FROM @list($?))", numbers(several.iter().map(|r| r.0)))
        }
    }
    if let Some(format) = &filter.format {
        add("p.format = $?", clean(format).as_ref().into());
    }
    if let Some(text) = filter.text.as_deref().filter(|t| !t.is_empty()) {
        let pattern = pattern(text);
        add("lower(p.name) LIKE $? ESCAPE '\\'", pattern.into());
    }
    if let Some(ids) = &filter.ids {
        add("p.id IN (SELECT CAST(value AS BIGINT) FROM @list($?))", numbers(ids.iter().map(|id| id.0)));
    }
    if let Some(before) = filter.before {
        add("p.id < $?", before.into());
    }
    (conditions, params)
}
