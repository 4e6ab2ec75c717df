//! Reports that are kept for a day, so that the command line can name a page and a page can be looked at again. For
//! administrators only; bounded in number.

use super::{report::SimulationReport, timeline::BacktestReport};
use crate::{Engine, access::random_hex};
use assay_model::{
    access::{Caller, Permission},
    problem::Problem,
    seam::meta::{self, KeptReport},
};
use jiff::SignedDuration;
use serde::Serialize;

/// How long a report is kept.
pub const KEPT_HOURS: i64 = 24;
/// The most reports that are kept.
const MOST: usize = 50;
/// What the kinds are called.
pub(super) const SIMULATION: &str = "simulation";
pub(super) const BACKTEST: &str = "backtest";

impl Engine {
    pub(super) async fn keep_simulation(&self, author: &str, report: &SimulationReport) -> Result<String, Problem> {
        let title = titled(report.set.iter().filter(|l| l.edit != super::Edit::Kept).map(|l| l.slug.as_str()));
        self.keep_for_a_day(SIMULATION, author, title, report).await
    }

    pub(super) async fn keep_backtest(&self, author: &str, report: &BacktestReport) -> Result<String, Problem> {
        let title = titled(report.set.iter().filter(|l| l.edit != super::Edit::Kept).map(|l| l.slug.as_str()));
        self.keep_for_a_day(BACKTEST, author, title, report).await
    }

    async fn keep_for_a_day(
        &self,
        kind: &str,
        author: &str,
        title: String,
        report: &impl Serialize,
    ) -> Result<String, Problem> {
        let document = serde_json::to_value(report).map_err(|e| Problem::internal("cannot write a report", e))?;
        let (id, at) = (random_hex(8)?, self.now());
        let (kind, author) = (kind.to_owned(), author.to_owned());
        let kept = KeptReport { id: id.clone(), kind, at, author, title, document };
        let before = at - SignedDuration::from_hours(KEPT_HOURS);
        meta::write(self.meta(), move |tx| {
            tx.forget_reports(before, MOST - 1)?;
            tx.keep_report(&kept)
        })
        .await?;
        Ok(id)
    }

    /// The reports that are kept, newest first, without their documents.
    ///
    /// # Errors
    /// `Forbidden` unless the caller is an administrator.
    pub async fn kept_reports(&self, caller: &Caller) -> Result<Vec<KeptReport>, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let ended = self.now() - SignedDuration::from_hours(KEPT_HOURS);
        let all = meta::read(self.meta(), |tx| tx.kept_reports(MOST)).await?;
        Ok(all.into_iter().filter(|r| r.at > ended).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound` once it is forgotten; `Forbidden` unless the caller is an administrator.
    pub async fn kept_report(&self, caller: &Caller, id: &str) -> Result<KeptReport, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let (wanted, ended) = (id.to_owned(), self.now() - SignedDuration::from_hours(KEPT_HOURS));
        let found = meta::read(self.meta(), move |tx| tx.kept_report(&wanted)).await?.filter(|r| r.at > ended);
        found.ok_or_else(|| {
            Problem::not_found(format!(
                "there is no report `{id}`; reports of simulations are kept for {KEPT_HOURS} hours, and the last {MOST}"
            ))
        })
    }
}

fn titled<'a>(slugs: impl Iterator<Item = &'a str>) -> String {
    let slugs: Vec<&str> = slugs.collect();
    match slugs.len() {
        0 => "the stored policies".to_owned(),
        1..=3 => slugs.join(", "),
        all => format!("{} and {} more", slugs.into_iter().take(2).collect::<Vec<_>>().join(", "), all - 2),
    }
}
