//! Those who are trusted, with keys and certificates read once for all that is checked against them, and what the check of
//! one package may cost.

use crate::{
    certificate,
    key::PublicKey,
    verify::{self, Asked},
};
use assay_model::{
    health::Signature,
    seam::trust::Ring,
    trust::{Evidence, TrustKind, Trusted},
};
use rustls_pki_types::TrustAnchor;

/// What the evidence about one package may cost to check, in signatures by a key of P-256 over a short text: about half a
/// second. Counted and not measured, so that the same evidence has the same outcome on every machine and at every replay.
const COST: usize = 10_000;
/// Bytes of a message that cost as much as one signature.
const BYTES: usize = 64 << 10;

/// What somebody is trusted by, read.
pub(crate) enum Means {
    Key(PublicKey),
    Authority(Vec<TrustAnchor<'static>>),
    Log(PublicKey),
    /// It was kept by a version that could read it.
    Unreadable,
}

/// Somebody who is trusted.
pub(crate) struct Known {
    pub(crate) who: Trusted,
    pub(crate) means: Means,
}

impl Known {
    fn read(who: Trusted) -> Self {
        let key = || PublicKey::from_pem(&who.pem).ok();
        let means = match who.kind {
            TrustKind::Key => key().map(Means::Key),
            TrustKind::Log => key().map(Means::Log),
            TrustKind::Authority => certificate::anchors(&who.pem).map(Means::Authority),
        };
        Self { means: means.unwrap_or(Means::Unreadable), who }
    }
}

/// All who are trusted.
pub(crate) struct Keys(Vec<Known>);

impl Keys {
    pub(crate) fn read(trusted: Vec<Trusted>) -> Self {
        Self(trusted.into_iter().map(Known::read).collect())
    }
}

impl Ring for Keys {
    fn check(&self, evidence: &[Evidence], covers: &dyn Fn(&Trusted) -> bool) -> Vec<Signature> {
        let among: Vec<&Known> = self.0.iter().filter(|one| covers(&one.who)).collect();
        let (asked, mut purse) = (Asked::of(&among), Purse { left: COST });
        evidence.iter().map(|one| verify::verify(one, &asked, &mut purse)).collect()
    }
}

/// What is left of the bound.
pub(crate) struct Purse {
    left: usize,
}

/// The bound is reached: nobody looked any further.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Beyond;

impl Purse {
    /// Takes what something costs, in signatures by P-256.
    pub(crate) fn pay(&mut self, cost: usize) -> Result<(), Beyond> {
        let left = self.left.checked_sub(cost);
        // What did not fit ends the check: what comes later is not to be looked at in its place.
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Beyond)
    }

    /// Takes what a signature over a message costs.
    pub(crate) fn pay_for(&mut self, weight: usize, message: &[u8]) -> Result<(), Beyond> {
        self.pay(weight.saturating_mul(1 + message.len() / BYTES))
    }
}
