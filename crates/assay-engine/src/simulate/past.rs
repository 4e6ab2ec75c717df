//! Facts about a page of packages at any moment of the past, as far as they are known: findings and scores with their
//! times. What is inside a package, its tags and what catalogues say of it are taken as they are now.

use super::draft::Knowledge;
use assay_model::{
    component::{Component, ComponentId},
    facts::Facts,
    finding::Finding,
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    score::{Epss, Kev, Scores},
    seam::meta::{DatedFinding, Tx},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::collections::{BTreeMap, BTreeSet};

/// A finding and when it was one.
struct Span {
    finding: Finding,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// What is known over time of the components of some packages.
#[derive(Default)]
pub(super) struct Past {
    components: BTreeMap<PackageId, Vec<ComponentId>>,
    known: BTreeMap<ComponentId, (Component, Vec<Span>)>,
    epss: BTreeMap<String, Vec<Epss>>,
    kev: BTreeMap<String, Vec<(Kev, Option<Timestamp>)>>,
    now: Scores,
}

impl Past {
    pub(super) fn load(
        tx: &mut dyn Tx,
        packages: &[PackageId],
        reads: &BTreeSet<FactKind>,
        from: Timestamp,
        knowledge: Knowledge,
    ) -> Result<Self, Problem> {
        let mut past = Self::default();
        let needed = [FactKind::Findings, FactKind::Epss, FactKind::Kev, FactKind::Vex, FactKind::Waivers];
        if !needed.iter().any(|kind| reads.contains(kind)) {
            return Ok(past);
        }
        for (package, components) in tx.components_of(packages)? {
            past.components.insert(package, components.iter().map(|c| c.id).collect());
            past.known.extend(components.into_iter().map(|c| (c.id, (c.component, Vec::new()))));
        }
        let ids: Vec<ComponentId> = past.known.keys().copied().collect();
        let mut dated: BTreeMap<(ComponentId, String), Vec<DatedFinding>> = BTreeMap::new();
        let mut cves = BTreeSet::new();
        for one in tx.dated_findings(&ids, from)? {
            cves.extend(one.finding.ids().map(str::to_owned));
            dated.entry((one.component, one.finding.id.clone())).or_default().push(one);
        }
        for ((component, _), spans) in dated {
            if let Some((_, known)) = past.known.get_mut(&component) {
                known.extend(spans_of(spans, knowledge));
            }
        }
        past.load_scores(tx, &cves.into_iter().collect::<Vec<_>>())?;
        Ok(past)
    }

    fn load_scores(&mut self, tx: &mut dyn Tx, cves: &[String]) -> Result<(), Problem> {
        let earlier = tx.past_scores(cves)?;
        self.now = tx.scores(cves)?;
        for score in earlier.epss.into_iter().chain(self.now.epss.values().cloned()) {
            self.epss.entry(score.cve.clone()).or_default().push(score);
        }
        for one in earlier.kev {
            self.kev.entry(one.entry.cve.clone()).or_default().push((one.entry, Some(one.until)));
        }
        for entry in self.now.kev.values() {
            self.kev.entry(entry.cve.clone()).or_default().push((entry.clone(), None));
        }
        Ok(())
    }

    fn spans(&self, package: PackageId) -> impl Iterator<Item = (&Component, &Span)> {
        let ids = self.components.get(&package).into_iter().flatten();
        ids.filter_map(|id| self.known.get(id)).flat_map(|(component, spans)| spans.iter().map(move |s| (component, s)))
    }

    /// Moments at which something that these rules read changed about a package.
    pub(super) fn changes(&self, package: PackageId, reads: &BTreeSet<FactKind>) -> BTreeSet<Timestamp> {
        let mut moments = BTreeSet::new();
        for (_, span) in self.spans(package) {
            moments.insert(span.from);
            moments.extend(span.until);
            for id in span.finding.ids() {
                if reads.contains(&FactKind::Epss) {
                    moments.extend(self.epss.get(id).into_iter().flatten().filter_map(|s| day(&s.date)));
                }
                if reads.contains(&FactKind::Kev) {
                    for (entry, until) in self.kev.get(id).into_iter().flatten() {
                        moments.extend(day(&entry.date_added));
                        moments.extend(*until);
                    }
                }
            }
        }
        moments
    }

    /// Facts as they were, from facts as they are.
    pub(super) fn facts_at(&self, facts: &Facts, at: Timestamp) -> Facts {
        let mut then = facts.clone();
        then.now = at;
        then.package.held = None;
        then.findings = self
            .spans(facts.package.id)
            .filter(|(_, s)| s.from <= at && s.until.is_none_or(|end| end > at))
            .map(|(component, span)| (component.clone(), span.finding.clone()))
            .collect();
        crate::decide::worst_first(&mut then.findings);
        let ids: BTreeSet<String> =
            then.findings.iter().flat_map(|(_, f)| f.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
        then.scores = self.scores_at(&ids, at);
        let sources: BTreeSet<&str> =
            then.findings.iter().flat_map(|(_, f)| f.sources.iter().map(|s| s.advisory.as_str())).collect();
        then.advisories.retain(|advisory| sources.contains(advisory.id.as_str()));
        then.statements.retain(|said| said.statement.at.is_none_or(|when| when <= at));
        then.waivers.retain(|waiver| waiver.created_at <= at);
        then
    }

    fn scores_at(&self, ids: &BTreeSet<String>, at: Timestamp) -> Scores {
        let today = at.to_zoned(TimeZone::UTC).date().to_string();
        let mut scores = Scores::default();
        for id in ids {
            let epss = self.epss.get(id).into_iter().flatten().filter(|s| s.date <= today);
            scores.epss.extend(epss.max_by(|a, b| a.date.cmp(&b.date)).map(|s| (id.clone(), s.clone())));
            let kev = self.kev.get(id).into_iter().flatten();
            let mut listed = kev.filter(|(k, until)| k.date_added <= today && until.is_none_or(|end| end > at));
            scores.kev.extend(listed.next_back().map(|(k, _)| (id.clone(), k.clone())));
            scores.ssvc.extend(self.now.ssvc.get(id).map(|s| (id.clone(), s.clone())));
        }
        scores
    }

    /// Ids of findings that a package had at `then` and has no more at `now`.
    pub(super) fn gone(&self, package: PackageId, then: Timestamp, now: Timestamp) -> BTreeSet<String> {
        let at = |moment: Timestamp| -> BTreeSet<String> {
            let there = |s: &&Span| s.from <= moment && s.until.is_none_or(|end| end > moment);
            self.spans(package).map(|(_, s)| s).filter(there).map(|s| s.finding.id.clone()).collect()
        };
        at(then).difference(&at(now)).cloned().collect()
    }
}

/// The times of one finding of one component. Only its first form may count from before this server had it: later forms
/// follow upon it.
fn spans_of(mut dated: Vec<DatedFinding>, knowledge: Knowledge) -> Vec<Span> {
    dated.sort_by_key(|d| (d.until.is_none(), d.until, d.since));
    let mut first = true;
    let span = |d: DatedFinding| {
        let own = d.since.unwrap_or(Timestamp::MIN);
        let published = d.finding.published.as_deref().and_then(moment);
        let from = match (std::mem::take(&mut first), knowledge, published) {
            (true, Knowledge::World, Some(published)) if d.since.is_none() => published,
            (true, Knowledge::World, Some(published)) => own.min(published),
            _ => own,
        };
        Span { finding: d.finding, from, until: d.until }
    };
    dated.into_iter().map(span).collect()
}

/// The beginning of a day.
fn day(text: &str) -> Option<Timestamp> {
    let date: Date = text.get(..10)?.parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A time as advisories write it: a moment, or a day.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| day(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn dated(title: &str, since: i64, until: Option<i64>) -> DatedFinding {
        let at = |n: i64| Timestamp::from_second(n).unwrap();
        let published = Some("1970-01-01T00:00:10Z".to_owned());
        let finding = Finding { id: "CVE-1".into(), title: title.into(), published, ..Finding::default() };
        DatedFinding { component: ComponentId(1), finding, since: Some(at(since)), until: until.map(at) }
    }

    #[test]
    fn only_the_first_form_of_a_finding_reaches_back_to_its_publication() {
        let all = || vec![dated("new", 200, None), dated("old", 100, Some(200))];
        let from =
            |k| spans_of(all(), k).iter().map(|s| (s.finding.title.clone(), s.from.as_second())).collect::<Vec<_>>();
        assert_eq!(from(Knowledge::World), [("old".to_owned(), 10), ("new".to_owned(), 200)]);
        assert_eq!(from(Knowledge::Server), [("old".to_owned(), 100), ("new".to_owned(), 200)]);
    }

    #[test]
    fn scores_are_those_of_the_day() {
        let epss = |date: &str, score| Epss { cve: "CVE-1".into(), score, percentile: score, date: date.into() };
        let kev = Kev {
            cve: "CVE-1".into(),
            date_added: "2026-01-05".into(),
            due_date: "2026-02-05".into(),
            ransomware: false,
            name: "n".into(),
        };
        let past = Past {
            epss: [("CVE-1".to_owned(), vec![epss("2026-01-03", 0.1), epss("2026-01-06", 0.9)])].into(),
            kev: [("CVE-1".to_owned(), vec![(kev, Some("2026-01-08T00:00:00Z".parse().unwrap()))])].into(),
            ..Past::default()
        };
        let at = |text: &str| {
            let scores = past.scores_at(&["CVE-1".to_owned()].into(), text.parse().unwrap());
            (scores.epss.values().map(|s| s.score).next(), scores.kev.len())
        };
        assert_eq!(at("2026-01-02T00:00:00Z"), (None, 0));
        assert_eq!(at("2026-01-05T10:00:00Z"), (Some(0.1), 1));
        assert_eq!(at("2026-01-07T00:00:00Z"), (Some(0.9), 1));
        assert_eq!(at("2026-01-08T00:00:00Z"), (Some(0.9), 0), "taken away");
    }
}
