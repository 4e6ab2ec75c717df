//! Quotas: how much a repository may hold. What it holds is kept up to date by the store, so that this costs one row; it
//! is checked before bytes are taken and in the transaction that publishes them.

use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    keeping::Usage,
    problem::{Kind, Problem},
    repository::{Repository, RepositoryId, Settings},
    seam::meta::{self, Tx},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// What a repository holds, next to what it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Packages and bytes.
    #[serde(flatten)]
    pub usage: Usage,
    /// Packages and bytes in its trash, which count towards no quota.
    pub trash: Usage,
}

fn limited(settings: &Settings) -> bool {
    settings.quota_bytes > 0 || settings.quota_packages > 0
}

/// The fuller of both quotas, in percent.
fn percent(usage: Usage, settings: &Settings) -> u64 {
    let of = |has: u64, may: u64| u64::try_from(u128::from(has) * 100 / u128::from(may.max(1))).unwrap_or(u64::MAX);
    let bytes = if settings.quota_bytes > 0 { of(usage.bytes, settings.quota_bytes) } else { 0 };
    let packages = if settings.quota_packages > 0 { of(usage.packages, settings.quota_packages) } else { 0 };
    bytes.max(packages)
}

/// Bytes as people read them.
fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (u128::from(bytes) * 10 / 1024, UNITS.iter());
    let mut shown = unit.next();
    while size >= 10_240
        && let Some(next) = unit.next()
    {
        size /= 1024;
        shown = Some(next);
    }
    format!("{}.{} {}", size / 10, size % 10, shown.unwrap_or(&""))
}

fn full(name: &str, usage: Usage, settings: &Settings) -> Problem {
    let told = if settings.quota_bytes > 0 && usage.bytes > settings.quota_bytes {
        format!("its packages would have {} of {}", readable(usage.bytes), readable(settings.quota_bytes))
    } else {
        format!("it would have {} packages of {}", usage.packages, settings.quota_packages)
    };
    Problem::new(
        Kind::Forbidden,
        "quota-exceeded",
        format!(
            "the quota of repository `{name}` is used up: {told}; delete packages, or ask an administrator for a larger quota"
        ),
    )
}

fn over(usage: Usage, settings: &Settings) -> bool {
    (settings.quota_bytes > 0 && usage.bytes > settings.quota_bytes)
        || (settings.quota_packages > 0 && usage.packages > settings.quota_packages)
}

/// What a repository held before a transaction that may add to it.
pub(crate) struct Held<'r> {
    place: &'r Repository,
    before: Option<Usage>,
}

impl<'r> Held<'r> {
    pub(crate) fn before(tx: &mut dyn Tx, place: &'r Repository) -> Result<Self, Problem> {
        let before = if limited(&place.settings) { Some(tx.usage(place.id)?) } else { None };
        Ok(Self { place, before })
    }

    /// Refuses what goes beyond a quota, and notes which thresholds were passed.
    pub(crate) fn settle(&self, tx: &mut dyn Tx, at: Timestamp) -> Result<(), Problem> {
        let Some(before) = self.before else { return Ok(()) };
        let (after, settings) = (tx.usage(self.place.id)?, &self.place.settings);
        let grew = after.bytes > before.bytes || after.packages > before.packages;
        if grew && over(after, settings) {
            return Err(full(&self.place.name, after, settings));
        }
        let (was, is) = (percent(before, settings), percent(after, settings));
        let passed = settings.quota_warn_percent.iter().copied().filter(|p| was < u64::from(*p) && is >= u64::from(*p));
        if let Some(threshold) = passed.max() {
            let body = json!({
                "threshold": threshold, "percent": is, "bytes": after.bytes, "packages": after.packages,
                "quota_bytes": settings.quota_bytes, "quota_packages": settings.quota_packages,
            });
            let subject = self.place.name.clone();
            tx.append_event(&NewEvent { at, kind: "quota.warned", actor: "system".into(), subject, body })?;
        }
        Ok(())
    }
}

impl Engine {
    /// Refuses bytes before they are taken where there is no room for any, or for as many as were announced. Bytes that
    /// the repository has already may be announced too, so only what cannot fit at all is refused by size.
    pub(crate) async fn room(&self, place: &Repository, announced: u64) -> Result<(), Problem> {
        if !limited(&place.settings) {
            return Ok(());
        }
        let id = place.id;
        let usage = meta::read(self.meta(), move |tx| tx.usage(id)).await?;
        let settings = &place.settings;
        let larger = settings.quota_bytes > 0 && announced > settings.quota_bytes;
        if larger || over(usage, settings) {
            let would = Usage { bytes: usage.bytes.saturating_add(announced), ..usage };
            return Err(full(&place.name, would, settings));
        }
        Ok(())
    }

    /// A line for whoever writes to a repository that is nearly full; nothing where there is room.
    ///
    /// # Errors
    /// From the store.
    pub async fn quota_warning(&self, caller: &Caller, name: &str) -> Result<Option<String>, Problem> {
        let Some(place) = self.find_repository(name).await? else { return Ok(None) };
        let Some(lowest) = place.settings.quota_warn_percent.iter().min().copied() else { return Ok(None) };
        if !limited(&place.settings) || caller.require(Permission::Write, &place).is_err() {
            return Ok(None);
        }
        let id = place.id;
        let usage = meta::read(self.meta(), move |tx| tx.usage(id)).await?;
        let percent = percent(usage, &place.settings);
        Ok((percent >= u64::from(lowest)).then(|| format!("repository {name} has used {percent} % of its quota")))
    }

    /// What every repository holds.
    ///
    /// # Errors
    /// From the store.
    pub async fn holdings(&self) -> Result<BTreeMap<RepositoryId, Holding>, Problem> {
        let (usages, trash) = meta::read(self.meta(), |tx| Ok((tx.usages()?, tx.trash_usages()?))).await?;
        let mut all: BTreeMap<RepositoryId, Holding> = BTreeMap::new();
        for (id, usage) in usages {
            all.entry(id).or_default().usage = usage;
        }
        for (id, usage) in trash {
            all.entry(id).or_default().trash = usage;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (10 << 30, "10.0 GiB")]
        {
            assert_eq!(readable(bytes), text);
        }
    }

    #[test]
    fn the_fuller_quota_counts() {
        let settings = Settings { quota_bytes: 1000, quota_packages: 10, ..Settings::default() };
        assert_eq!(percent(Usage { packages: 9, bytes: 500 }, &settings), 90);
        assert_eq!(percent(Usage { packages: 1, bytes: 990 }, &settings), 99);
        assert!(!over(Usage { packages: 10, bytes: 1000 }, &settings));
        assert!(
            over(Usage { packages: 11, bytes: 0 }, &settings) && over(Usage { packages: 0, bytes: 1001 }, &settings)
        );
        assert!(!over(Usage { packages: 99, bytes: 99_999 }, &Settings::default()), "no quota");
    }
}
