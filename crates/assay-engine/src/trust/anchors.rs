//! Who is trusted: keys, authorities and logs that operators add and remove. A change decides again exactly the packages
//! whose evidence holds differently with it.

use super::about;
use crate::{Engine, analyze::blocking};
use assay_model::{
    access::{Caller, Permission},
    event::NewEvent,
    glob,
    package::PackageId,
    policy::FactKind,
    problem::Problem,
    seam::{
        meta::{self, Tx},
        trust::{Ring, Verifier},
    },
    trust::{Evidence, TrustKind, TrustScope, Trusted},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Who can be trusted at once.
const MOST: usize = 500;
/// Bytes of PEM.
const MAX_PEM: usize = 64 << 10;
/// Patterns of one list.
const MAX_PATTERNS: usize = 100;
/// Bytes of a name.
const MAX_NAME: usize = 100;
/// Evidence that is looked at at once when trust changes.
const PAGE: usize = 500;

/// Somebody to trust, as given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDraft {
    /// Name.
    pub name: String,
    /// What kind.
    pub kind: TrustKind,
    /// Public key or certificates.
    pub pem: String,
    /// See [`Trusted::identities`].
    #[serde(default)]
    pub identities: Vec<String>,
    /// See [`Trusted::issuers`].
    #[serde(default)]
    pub issuers: Vec<String>,
    /// See [`Trusted::logged`].
    #[serde(default)]
    pub logged: bool,
    /// What for.
    #[serde(default)]
    pub scope: TrustScope,
}

/// What came of a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrustChange {
    /// Who is, or was, trusted.
    pub trusted: Trusted,
    /// `new`, `changed`, `unchanged`, `removed`.
    pub change: String,
    /// Packages that are decided again.
    pub packages: usize,
}

impl TrustDraft {
    fn check(&self) -> Result<(), Problem> {
        let bad = |message: String| Err(Problem::invalid("bad-trust", message));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(plain) {
            return bad(format!("a name has up to {MAX_NAME} letters, digits, `-`, `_`, `.` and `@`"));
        }
        if self.pem.len() > MAX_PEM {
            return bad(format!("the PEM is larger than {} KiB", MAX_PEM >> 10));
        }
        let lists = [&self.identities, &self.issuers, &self.scope.repositories, &self.scope.packages];
        if lists.iter().any(|list| list.len() > MAX_PATTERNS) {
            return bad(format!("a list has at most {MAX_PATTERNS} patterns"));
        }
        if lists.into_iter().flatten().any(|pattern| pattern.is_empty() || pattern.len() > glob::MAX_PATTERN) {
            return bad(format!("a pattern has 1 to {} bytes", glob::MAX_PATTERN));
        }
        match self.kind {
            TrustKind::Authority if self.identities.is_empty() => bad(
                "an authority certifies many people: say whose signatures count as `identities`, such as `*@corp.example`"
                    .to_owned(),
            ),
            TrustKind::Key | TrustKind::Log
                if self.logged || !self.identities.is_empty() || !self.issuers.is_empty() =>
            {
                bad("identities, issuers and `logged` belong to an authority; a key is its own identity".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A change of who is trusted.
#[derive(Clone)]
enum Edit {
    Put(Box<Trusted>),
    Remove(String),
}

impl Edit {
    fn apply(&self, before: &[Trusted]) -> Vec<Trusted> {
        let name = match self {
            Self::Put(one) => &one.name,
            Self::Remove(name) => name,
        };
        let mut after: Vec<Trusted> = before.iter().filter(|one| one.name != *name).cloned().collect();
        if let Self::Put(one) = self {
            after.push((**one).clone());
            after.sort_by(|a, b| a.name.cmp(&b.name));
        }
        after
    }
}

/// What a change was found to touch, and up to which evidence somebody looked.
#[derive(Default)]
struct Touched {
    packages: BTreeSet<PackageId>,
    seen: i64,
}

impl Engine {
    /// Who is trusted to sign, by name.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn trusted(&self, caller: &Caller) -> Result<Vec<Trusted>, Problem> {
        caller.require_everywhere(Permission::Read)?;
        meta::read(self.meta(), |tx| tx.trusted()).await
    }

    /// Trusts somebody, or changes what for. The same again changes nothing.
    ///
    /// # Errors
    /// `Invalid` when the key cannot be read or trusted; `Forbidden`.
    pub async fn trust(self: &Arc<Self>, caller: &Caller, draft: TrustDraft) -> Result<TrustChange, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        draft.check()?;
        let shown = self.parts.verifier.fingerprint(draft.kind, &draft.pem)?;
        let new = Trusted {
            name: draft.name,
            kind: draft.kind,
            pem: draft.pem.trim().to_owned() + "\n",
            identities: draft.identities,
            issuers: draft.issuers,
            logged: draft.logged,
            scope: draft.scope,
            fingerprint: shown.fingerprint,
            algorithm: shown.algorithm,
            added_by: caller.name().to_owned(),
            added_at: self.now(),
        };
        let before = meta::read(self.meta(), |tx| tx.trusted()).await?;
        let known = before.iter().find(|one| one.name == new.name);
        if let Some(known) = known {
            let same = Trusted { added_by: known.added_by.clone(), added_at: known.added_at, ..new.clone() };
            if same == *known {
                return Ok(TrustChange { trusted: same, change: "unchanged".to_owned(), packages: 0 });
            }
        } else if before.len() >= MOST {
            return Err(Problem::conflict(format!(
                "{MOST} keys and authorities are trusted already; remove some first"
            )));
        }
        let change = if known.is_some() { "changed" } else { "new" };
        let packages = self.change_trust(caller, Edit::Put(Box::new(new.clone())), before).await?;
        Ok(TrustChange { trusted: new, change: change.to_owned(), packages })
    }

    /// Trusts somebody no more.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn distrust(self: &Arc<Self>, caller: &Caller, name: &str) -> Result<TrustChange, Problem> {
        caller.require_everywhere(Permission::Admin)?;
        let before = meta::read(self.meta(), |tx| tx.trusted()).await?;
        let unknown = || Problem::not_found(format!("nobody is trusted as `{name}`; `assay trust list` shows who is"));
        let trusted = before.iter().find(|one| one.name == name).cloned().ok_or_else(unknown)?;
        let packages = self.change_trust(caller, Edit::Remove(name.to_owned()), before).await?;
        Ok(TrustChange { trusted, change: "removed".to_owned(), packages })
    }

    /// Looks first at what the change touches, then writes it, with a look at what arrived meanwhile.
    async fn change_trust(
        self: &Arc<Self>,
        caller: &Caller,
        edit: Edit,
        before: Vec<Trusted>,
    ) -> Result<usize, Problem> {
        let touched = self.touched(before.clone(), edit.clone()).await?;
        let (engine, at, actor) = (self.clone(), self.now(), caller.name().to_owned());
        let packages = meta::write(self.meta(), move |tx| {
            if tx.trusted()? != before {
                return Err(Problem::conflict("somebody else changed who is trusted at the same time; try again"));
            }
            let mut packages = touched.packages.clone();
            if engine.rules(tx)?.reads().contains(&FactKind::Signatures) {
                packages.extend(engine.arrived_since(tx, touched.seen, &before, &edit)?);
            }
            let (kind, name, body) = match &edit {
                Edit::Put(one) => {
                    tx.put_trusted(one)?;
                    let known = before.iter().any(|other| other.name == one.name);
                    (
                        if known { "trust.changed" } else { "trust.added" },
                        &one.name,
                        json!({"kind": one.kind, "fingerprint": one.fingerprint, "scope": one.scope,
                        "identities": one.identities, "issuers": one.issuers, "packages": packages.len()}),
                    )
                }
                Edit::Remove(name) => {
                    tx.remove_trusted(name)?;
                    ("trust.removed", name, json!({"packages": packages.len()}))
                }
            };
            let count = packages.len();
            let cause = format!("who is trusted to sign changed: {name}");
            engine.decide_signed(tx, packages, &cause, at)?;
            let subject = format!("trust/{name}");
            tx.append_event(&NewEvent { at, kind, actor: actor.clone(), subject, body })?;
            Ok(count)
        })
        .await?;
        self.notice().await?;
        Ok(packages)
    }

    /// Packages whose evidence holds differently after a change; none where no policy reads signatures.
    async fn touched(self: &Arc<Self>, before: Vec<Trusted>, edit: Edit) -> Result<Touched, Problem> {
        let engine = self.clone();
        if !meta::read(self.meta(), move |tx| Ok(engine.rules(tx)?.reads().contains(&FactKind::Signatures))).await? {
            return Ok(Touched::default());
        }
        let sides = Arc::new(Sides::of(self.parts.verifier.as_ref(), before, &edit));
        let (mut touched, mut looked) = (Touched::default(), BTreeSet::new());
        loop {
            let (after, already) = (touched.seen, looked.clone());
            let page = meta::read(self.meta(), move |tx| Page::read(tx, after, &already)).await?;
            let Some(page) = page else { return Ok(touched) };
            touched.seen = page.last;
            looked.extend(page.evidence.keys());
            let sides = sides.clone();
            touched.packages.extend(blocking(move || Ok(page.differing(&sides))).await?);
        }
    }

    /// Of the evidence after `seen`, the packages that it is about and for which it holds differently.
    fn arrived_since(
        &self,
        tx: &mut dyn Tx,
        mut seen: i64,
        before: &[Trusted],
        edit: &Edit,
    ) -> Result<BTreeSet<PackageId>, Problem> {
        let (mut sides, mut packages) = (None, BTreeSet::new());
        while let Some(page) = Page::read(tx, seen, &BTreeSet::new())? {
            seen = page.last;
            let sides = sides.get_or_insert_with(|| Sides::of(self.parts.verifier.as_ref(), before.to_vec(), edit));
            packages.extend(page.differing(sides));
        }
        Ok(packages)
    }
}

/// Those who are trusted before a change and after it.
struct Sides {
    before: Box<dyn Ring>,
    after: Box<dyn Ring>,
}

impl Sides {
    fn of(verifier: &dyn Verifier, before: Vec<Trusted>, edit: &Edit) -> Self {
        Self { after: verifier.ring(edit.apply(&before)), before: verifier.ring(before) }
    }
}

/// A part of the walk over all evidence, with all evidence about the packages that it meets: one piece can be looked at or
/// not for what the others cost.
struct Page {
    last: i64,
    /// Repository, format and name of a package.
    places: BTreeMap<PackageId, (String, String, String)>,
    evidence: BTreeMap<PackageId, Vec<Evidence>>,
}

impl Page {
    /// The part after a number, without the packages that were looked at; nothing at the end.
    fn read(tx: &mut dyn Tx, after: i64, looked: &BTreeSet<PackageId>) -> Result<Option<Self>, Problem> {
        let kept = tx.walk_evidence(after, PAGE)?;
        let Some(last) = kept.last().map(|one| one.id) else { return Ok(None) };
        let mut places = BTreeMap::new();
        for one in kept {
            for id in one.packages.into_iter().filter(|id| !looked.contains(id)) {
                places.entry(id).or_insert_with(|| (one.repository.clone(), one.format.clone(), one.name.clone()));
            }
        }
        let ids: Vec<PackageId> = places.keys().copied().collect();
        Ok(Some(Self { last, places, evidence: about(tx, &ids)? }))
    }

    fn differing(&self, sides: &Sides) -> Vec<PackageId> {
        let differs = |id: &PackageId, (repository, format, name): &(String, String, String)| {
            let evidence = self.evidence.get(id).map(Vec::as_slice).unwrap_or_default();
            let covers = |one: &Trusted| one.scope.covers(repository, format, name);
            sides.before.check(evidence, &covers) != sides.after.check(evidence, &covers)
        };
        self.places.iter().filter(|(id, place)| differs(id, place)).map(|(id, _)| *id).collect()
    }
}
