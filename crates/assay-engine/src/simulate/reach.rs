//! Whether a policy can match at all: on what is stored it matches nothing, or everything. A large catalogue is looked at
//! in places, evenly, and within a time.

use crate::Engine;
use assay_model::{
    decision::Outcome,
    package::{PackageId, State},
    policy::Policy,
    problem::Problem,
    seam::{
        judge::Remark,
        meta::{self, PackageFilter},
    },
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// The most packages that are looked at.
const SAMPLE: usize = 1_000;
/// Places in the catalogue from which they are taken.
const PLACES: i64 = 40;
/// How long it may take: somebody waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// Packages that are judged between two looks at the clock.
const CHUNK: usize = 50;
/// Fewer packages say nothing about all.
const FEW: usize = 5;

impl Engine {
    /// What to say about a policy that was just checked: it matches none or all of what is stored, or fails on it.
    pub(crate) async fn reach_warnings(self: &Arc<Self>, policy: &Policy) -> Result<Vec<Remark>, Problem> {
        let started = Instant::now();
        let (ids, all) = self.sample().await?;
        let rules = self.parts.judge.compile(vec![Policy { enabled: true, ..policy.clone() }])?;
        let (mut seen, mut matched, mut failed) = (0_usize, 0_usize, 0_usize);
        let mut error = None;
        for chunk in ids.chunks(CHUNK) {
            for one in self.suppose(chunk.to_vec(), rules.clone(), self.now()).await? {
                if one.before == State::Pending {
                    continue;
                }
                seen += 1;
                for verdict in &one.verdicts {
                    match &verdict.outcome {
                        Outcome::Match => matched += 1,
                        Outcome::Failed(why) => {
                            failed += 1;
                            error.get_or_insert_with(|| why.clone());
                        }
                        Outcome::NoMatch => {}
                    }
                }
            }
            if started.elapsed() > PATIENCE {
                break;
            }
        }
        let looked = if all && seen == ids.len() {
            format!("all {seen} stored packages")
        } else {
            format!("{seen} stored packages, taken evenly from all of them")
        };
        let remark = |code: &str, message: String| Remark { line: 0, column: 0, code: code.to_owned(), message };
        let mut warnings = Vec::new();
        if failed > 0 {
            let why = error.unwrap_or_default();
            warnings.push(remark("fails", format!("it fails on {failed} of {looked}: {why}")));
        }
        if seen >= FEW && matched == 0 && failed == 0 {
            warnings.push(remark(
                "never-matches",
                format!(
                    "it matches none of {looked}; if it should, look at what it sees with `assay policy test --package`"
                ),
            ));
        }
        if seen >= FEW && matched == seen {
            warnings.push(remark(
                "always-matches",
                format!("it matches every one of {looked}; `assay policy simulate` says what that would mean"),
            ));
        }
        Ok(warnings)
    }

    /// Packages from all over the catalogue, and whether these are all.
    async fn sample(&self) -> Result<(Vec<PackageId>, bool), Problem> {
        meta::read(self.meta(), |tx| {
            let some = tx.package_ids(None, SAMPLE + 1)?;
            if some.len() <= SAMPLE {
                return Ok((some, true));
            }
            let newest = tx.list_packages(&PackageFilter { limit: 1, ..PackageFilter::default() })?;
            let last = newest.first().map_or(0, |p| p.id.0);
            let mut ids = BTreeSet::new();
            for place in 0..PLACES {
                let after = PackageId(last / PLACES * place);
                ids.extend(tx.package_ids(Some(after), SAMPLE / usize::try_from(PLACES).unwrap_or(1))?);
            }
            // in an order that is even however early the time is over
            let mut ids: Vec<(usize, PackageId)> = ids.into_iter().enumerate().collect();
            ids.sort_by_key(|(at, _)| (at % CHUNK, *at));
            Ok((ids.into_iter().map(|(_, id)| id).collect(), false))
        })
        .await
    }
}
