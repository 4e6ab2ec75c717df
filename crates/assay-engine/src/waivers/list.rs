//! Reading waivers: lists, one of them, and who used it.

use super::{change::unknown, draft::canonical, touch::touched};
use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    package::PackageId,
    problem::Problem,
    seam::meta::{self, Tx, UseFilter},
    waiver::{Waiver, WaiverId, WaiverStatus, WaiverUse},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Uses that are shown at once.
const MOST_USES: usize = 1000;

/// Which waivers to list. Empty fields do not restrict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverFilter {
    /// `requested`, `active`, `refused`, `revoked`, `expired`.
    pub status: Option<String>,
    /// That hold in this repository.
    pub repository: Option<String>,
    /// That name this vulnerability, by any of its ids.
    pub vulnerability: Option<String>,
    /// That name this policy, or are not limited to policies.
    pub policy: Option<String>,
}

/// A use of a waiver, for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UseRow {
    /// Which, for what, by which decision, when.
    #[serde(flatten)]
    pub used: WaiverUse,
    /// The package, as `repository/format/name@version`.
    pub name: String,
    /// Whether the last decision about it rests on the waiver still.
    pub current: bool,
    /// Callers who downloaded it on or after the day of the decision.
    pub pulled_by: BTreeSet<String>,
}

/// Who used a waiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaiverUses {
    /// The newest first.
    pub uses: Vec<UseRow>,
}

impl Engine {
    /// Waivers that hold in a repository that the caller may read, the newest first.
    ///
    /// # Errors
    /// `Invalid` for a status that is none.
    pub async fn waivers(&self, caller: &Caller, filter: WaiverFilter) -> Result<Vec<Waiver>, Problem> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let status = match given(filter.status) {
            None => None,
            Some(text) => Some(WaiverStatus::parse(&text).ok_or_else(|| {
                Problem::invalid(
                    "bad-status",
                    format!("`{text}` is no status; use requested, active, refused, revoked or expired"),
                )
            })?),
        };
        let (repository, vulnerability, policy) =
            (given(filter.repository), given(filter.vulnerability), given(filter.policy));
        let sight = self.sight(caller).await?;
        let (all, ids) = meta::read(self.meta(), move |tx| {
            let wanted = vulnerability.as_deref().map(canonical);
            let ids = wanted.map(|id| same(tx, id)).transpose()?;
            Ok((tx.waivers(status)?, ids))
        })
        .await?;
        let fits = |waiver: &Waiver| {
            let scope = &waiver.scope;
            sight.sees(waiver)
                && repository.as_ref().is_none_or(|name| scope.is_in(name))
                && ids.as_ref().is_none_or(|ids| {
                    scope.vulnerabilities.iter().any(|id| ids.iter().any(|wanted| id.eq_ignore_ascii_case(wanted)))
                })
                && policy.as_ref().is_none_or(|slug| scope.policies.is_empty() || scope.policies.contains(slug))
        };
        Ok(all.into_iter().filter(fits).collect())
    }

    /// One waiver.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn waiver(&self, caller: &Caller, id: &str) -> Result<Waiver, Problem> {
        let wanted = WaiverId(id.to_owned());
        let asked = wanted.clone();
        let found = meta::read(self.meta(), move |tx| tx.waiver(&asked)).await?;
        let sight = self.sight(caller).await?;
        found.filter(|waiver| sight.sees(waiver)).ok_or_else(|| unknown(&wanted))
    }

    /// How many stored packages a waiver is about now, whether or not it is in force.
    ///
    /// # Errors
    /// From the store.
    pub async fn waiver_reach(&self, waiver: &Waiver) -> Result<usize, Problem> {
        let scope = waiver.scope.clone();
        meta::read(self.meta(), move |tx| Ok(touched(tx, &scope)?.len())).await
    }

    /// Who used a waiver when: decisions about packages that the caller may read, the newest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn waiver_uses(&self, caller: &Caller, id: &str) -> Result<WaiverUses, Problem> {
        let waiver = self.waiver(caller, id).await?.id;
        let readable = self.readable_names(caller).await?;
        meta::read(self.meta(), move |tx| {
            let filter = UseFilter { waiver: Some(waiver.clone()), package: None, limit: MOST_USES };
            let uses = tx.waiver_uses(&filter)?;
            let mut rows = Vec::with_capacity(uses.len());
            let mut places = BTreeMap::new();
            for one in uses {
                rows.extend(row(tx, one, &readable, &mut places)?);
            }
            Ok(WaiverUses { uses: rows })
        })
        .await
    }

    async fn sight(&self, caller: &Caller) -> Result<Sight, Problem> {
        let everywhere = caller.require_everywhere(Permission::Read).is_ok();
        Ok(Sight { everywhere, readable: self.readable_names(caller).await? })
    }

    async fn readable_names(&self, caller: &Caller) -> Result<BTreeSet<String>, Problem> {
        Ok(self.readable_repositories(caller).await?.into_iter().map(|repository| repository.name).collect())
    }
}

/// A vulnerability's ids. Most databases write theirs in capitals, people in any case.
fn same(tx: &mut dyn Tx, id: String) -> Result<BTreeSet<String>, Problem> {
    let asked = [id.to_uppercase(), id];
    let pairs = tx.aliases_of(&asked)?;
    Ok(pairs.into_iter().flat_map(|(one, other)| [one, other]).chain(asked).collect())
}

/// The waivers that a decision rests on.
pub(crate) fn waivers_used(tx: &mut dyn Tx, ids: &BTreeSet<WaiverId>) -> Result<Vec<Waiver>, Problem> {
    let mut used = Vec::new();
    for id in ids {
        used.extend(tx.waiver(id)?);
    }
    Ok(used)
}

/// Which waivers a caller may see: all for those who may read everywhere, since a scope may name repositories that are not
/// there, or not yet.
struct Sight {
    everywhere: bool,
    readable: BTreeSet<String>,
}

impl Sight {
    fn sees(&self, waiver: &Waiver) -> bool {
        self.everywhere || self.readable.iter().any(|name| waiver.scope.is_in(name))
    }
}

fn row(
    tx: &mut dyn Tx,
    used: WaiverUse,
    readable: &BTreeSet<String>,
    places: &mut BTreeMap<PackageId, Option<(String, Option<String>)>>,
) -> Result<Option<UseRow>, Problem> {
    if let Entry::Vacant(free) = places.entry(used.package) {
        free.insert(place(tx, used.package, readable)?);
    }
    let Some(Some((name, decision))) = places.get(&used.package) else { return Ok(None) };
    let current = decision.as_deref() == Some(used.decision.0.as_str());
    let day = used.at.as_second().div_euclid(86_400);
    let pulled_by = tx.download_days(used.package, day)?.into_iter().map(|pulls| pulls.who).collect();
    Ok(Some(UseRow { name: name.clone(), current, used, pulled_by }))
}

/// The name of a package that may be read, and the decision in force.
fn place(
    tx: &mut dyn Tx,
    id: PackageId,
    readable: &BTreeSet<String>,
) -> Result<Option<(String, Option<String>)>, Problem> {
    let Some(package) = tx.packages(&[id])?.pop() else { return Ok(None) };
    let repository = tx.repository_by_id(package.repository)?.filter(|one| readable.contains(&one.name));
    let decision = package.decision.as_ref().map(|id| id.0.clone());
    Ok(repository.map(|repository| (package.at.subject(&repository.name), decision)))
}
