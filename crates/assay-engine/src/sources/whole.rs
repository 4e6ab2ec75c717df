//! Complete files: what they lack is taken back, unless so much is missing that the file itself must be damaged.

use super::{BATCH, PAGE, advisories::short, import::Import};
use assay_model::{
    advisory::Advisory,
    problem::Problem,
    seam::{meta::ScoreTable, source::Extent},
};
use std::collections::{BTreeSet, HashSet};

/// Entries that may be missing whatever the share: of a handful, half says nothing.
const ALWAYS: usize = 20;

impl Import<'_, '_> {
    pub(super) fn take_back(&mut self, extent: &Extent<'_>) -> Result<(), Problem> {
        match extent {
            Extent::Source(source) => self.take_back_advisories(source, "", &|_| true, None),
            Extent::Ids { source, prefix } => {
                self.take_back_advisories(source, prefix, &|id| id.starts_with(prefix), None)
            }
            Extent::Ecosystem { source, ecosystem, prefixes } => {
                let among = |id: &str| prefixes.iter().any(|prefix| id.starts_with(prefix));
                self.take_back_advisories(source, "", &among, Some(ecosystem))
            }
            Extent::Epss => {
                self.flush_epss()?;
                let kept = std::mem::take(&mut self.kept.epss);
                self.take_back_scores(ScoreTable::Epss, "", &kept, "EPSS scores")
            }
            Extent::Kev => {
                self.flush_kev()?;
                let kept = std::mem::take(&mut self.kept.kev);
                self.take_back_scores(ScoreTable::Kev, "", &kept, "KEV entries")
            }
            Extent::Ssvc(prefix) => {
                self.flush_ssvc()?;
                let kept = std::mem::take(&mut self.kept.ssvc);
                let done = self.take_back_scores(ScoreTable::Ssvc, prefix, &kept, "SSVC decision points");
                self.kept.ssvc = kept;
                done
            }
            Extent::Scorecards => self.whole_scorecards(),
            Extent::Popularity(purl_type) => self.whole_catalogue(purl_type),
            Extent::Vex(source) => self.take_back_vex(source),
        }
    }

    /// Whether this many of those that are there may go. Where they may not, it is an error, or, where the file is as
    /// likely an extract made by hand, a note in the report.
    pub(super) fn may_take_back(
        &mut self,
        gone: usize,
        there: usize,
        what: &str,
        refuse: bool,
    ) -> Result<bool, Problem> {
        if self.force || gone <= ALWAYS || gone * 2 <= there {
            return Ok(true);
        }
        let message = format!(
            "{gone} of {there} {what} are missing, so the file may be damaged and nothing was taken back; if it is \
             complete, import it with --force"
        );
        if refuse {
            return Err(Problem::invalid("feed-shrank", message));
        }
        self.report.held_back.push(message);
        Ok(false)
    }

    /// Takes back what a table has of CVEs that begin so and are not among `kept`.
    fn take_back_scores(
        &mut self,
        table: ScoreTable,
        prefix: &str,
        kept: &HashSet<u64>,
        what: &str,
    ) -> Result<(), Problem> {
        let (mut after, mut there, mut gone) = (prefix.to_owned(), 0, Vec::new());
        loop {
            let mut page = Vec::new();
            self.engine.meta().write_now(Box::new(|tx| {
                page = tx.scored(table, &after, PAGE)?;
                Ok(())
            }))?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            let past = !last.starts_with(prefix);
            page.retain(|cve| cve.starts_with(prefix));
            there += page.len();
            gone.extend(page.into_iter().filter(|cve| !kept.contains(&short(cve))));
            if past {
                break;
            }
        }
        if gone.is_empty() || !self.may_take_back(gone.len(), there, what, false)? {
            return Ok(());
        }
        self.remove_scores(table, &gone)
    }

    /// Takes back the advisories of a source, among those that are meant, that were not read since the last call. With an
    /// ecosystem only those that speak of nothing else.
    fn take_back_advisories(
        &mut self,
        source: &str,
        from: &str,
        meant: &dyn Fn(&str) -> bool,
        ecosystem: Option<&str>,
    ) -> Result<(), Problem> {
        self.flush_advisories()?;
        let seen = self.seen.remove(source).unwrap_or_default();
        let (mut after, mut there, mut gone) = (from.to_owned(), 0, Vec::new());
        loop {
            let mut ids = Vec::new();
            self.engine.meta().write_now(Box::new(|tx| {
                ids = tx.advisory_ids(source, &after, PAGE)?;
                Ok(())
            }))?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            let past = !from.is_empty() && !last.starts_with(from);
            let of_page: Vec<String> = ids.into_iter().filter(|id| meant(id)).collect();
            there += of_page.len();
            gone.extend(of_page.into_iter().filter(|id| !seen.contains(&short(id))));
            if past {
                break;
            }
        }
        if let Some(ecosystem) = ecosystem {
            there -= gone.len();
            gone = self.of_ecosystem(source, gone, ecosystem)?;
            there += gone.len();
        }
        if gone.is_empty() || !self.may_take_back(gone.len(), there, &format!("records of {source}"), true)? {
            return Ok(());
        }
        self.withdraw(source, &gone)
    }

    fn stored(&self, source: &str, ids: &[String]) -> Result<Vec<Advisory>, Problem> {
        let mut records = Vec::new();
        self.engine.meta().write_now(Box::new(|tx| {
            records = tx.advisories(ids)?;
            Ok(())
        }))?;
        Ok(records.into_iter().filter(|stored| stored.source == source).map(|stored| stored.advisory).collect())
    }

    fn of_ecosystem(&self, source: &str, ids: Vec<String>, ecosystem: &str) -> Result<Vec<String>, Problem> {
        let mut all = Vec::new();
        let within = |name: &str| {
            name == ecosystem || name.strip_prefix(ecosystem).is_some_and(|release| release.starts_with(':'))
        };
        for chunk in ids.chunks(BATCH) {
            for advisory in self.stored(source, chunk)? {
                let named: BTreeSet<&str> =
                    advisory.affected.iter().map(|affected| affected.package.ecosystem.as_str()).collect();
                if !named.is_empty() && named.iter().all(|name| within(name)) {
                    all.push(advisory.id);
                }
            }
        }
        Ok(all)
    }

    fn withdraw(&mut self, source: &str, gone: &[String]) -> Result<(), Problem> {
        for chunk in gone.chunks(BATCH) {
            for mut advisory in self.stored(source, chunk)? {
                advisory.withdrawn = Some(self.now.to_string());
                let bytes = serde_json::to_vec(&advisory).map_err(|e| Problem::internal("cannot write JSON", e))?;
                self.advisories.push((source.to_owned(), advisory, bytes));
            }
            self.flush_advisories()?;
        }
        Ok(())
    }
}
