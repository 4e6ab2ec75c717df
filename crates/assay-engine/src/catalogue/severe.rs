//! Searches for a severity: the store finds what was found, and what statements and waivers take away is known of rows.

use super::PackageRow;
use assay_model::{
    finding::Severity,
    package::Package,
    problem::Problem,
    query::{Known, Query, Term},
    seam::meta::{PackageFilter, Tx},
};
use std::cmp::Reverse;

/// Packages that a query with severities finds, the newest first. Each group of packages whose worst finding that counts
/// lies between two of the severities is asked for by itself: there, all severities of the query are known.
pub(super) fn listed(
    tx: &mut dyn Tx,
    filter: &PackageFilter,
    rows: impl Fn(&mut dyn Tx, Vec<Package>) -> Result<Vec<PackageRow>, Problem>,
) -> Result<Vec<PackageRow>, Problem> {
    let severities = filter.query.as_ref().map(Query::severities).unwrap_or_default();
    let floors: Vec<Option<Severity>> = std::iter::once(None).chain(severities.into_iter().map(Some)).collect();
    let mut found = Vec::new();
    for (at, floor) in floors.iter().copied().enumerate() {
        let ceiling = floors.get(at + 1).copied().flatten();
        let within = |row: &PackageRow| row.worst >= floor && ceiling.is_none_or(|ceiling| row.worst < Some(ceiling));
        let Some(mut filter) = group(filter, floor) else { continue };
        let mut here = 0;
        while here < filter.limit {
            let page = tx.list_packages(&filter)?;
            let last = page.len() < filter.limit;
            filter.before = page.last().map(|package| package.id);
            let before = found.len();
            found.extend(rows(tx, page)?.into_iter().filter(within));
            here += found.len() - before;
            if last {
                break;
            }
        }
    }
    found.sort_by_key(|row| Reverse(row.package.id));
    found.truncate(filter.limit);
    Ok(found)
}

/// What the store is asked for packages with that worst finding; nothing where none of them fits.
fn group(filter: &PackageFilter, worst: Option<Severity>) -> Option<PackageFilter> {
    let rest = match filter.query.as_ref()?.knowing(worst)? {
        Known::Always(_) => None,
        Known::If(query) => Some(query),
    };
    // what counts was found
    let was_found = worst.map(|severity| Query::Term(Term::Severity(severity)));
    let query = match (rest, was_found) {
        (Some(rest), Some(was_found)) => Some(Query::And(vec![was_found, rest])),
        (rest, was_found) => rest.or(was_found),
    };
    Some(PackageFilter { query, ..filter.clone() })
}
