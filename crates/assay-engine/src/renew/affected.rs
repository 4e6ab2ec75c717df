//! Which inventories a scanner can affect: asked of what is stored, nothing is opened.

use super::{AT_ONCE, PAGE};
use crate::{Engine, image::Makings};
use assay_model::{
    digest::Digest,
    package::{Package, Role},
    problem::Problem,
    renewal::{Look, Outline, Which},
    seam::{inspector::Inspector, meta::Tx},
};
use std::collections::BTreeSet;

/// As deep as indexes are read.
const NESTING: u8 = 3;

/// What became of a page.
pub(super) struct Seen {
    /// What this scanner is newer in than the one that the page holds as of.
    pub(super) newer: BTreeSet<String>,
    /// Not affected.
    pub(super) kept: Vec<i64>,
    /// Those of them that are from before scanners had numbers.
    pub(super) refile: Vec<i64>,
    pub(super) affected: Vec<i64>,
}

impl Seen {
    pub(super) fn is_last(&self) -> bool {
        self.kept.is_empty() && self.affected.is_empty()
    }
}

/// The scanners whose inventories are to be looked at: all that `inspector` is newer than in anything.
pub(super) fn origins(tx: &mut dyn Tx, own: i64, inspector: &dyn Inspector) -> Result<Vec<i64>, Problem> {
    let stale = tx.stale_scanners(own)?.into_iter();
    let asks = |(number, revision): &(i64, String)| *number == 0 || !inspector.newer_than(revision).is_empty();
    Ok(stale.filter(asks).map(|(number, _)| number).collect())
}

impl Engine {
    pub(super) fn look_at_page(&self, tx: &mut dyn Tx, own: i64) -> Result<Seen, Problem> {
        let mut seen = Seen { newer: BTreeSet::new(), kept: Vec::new(), refile: Vec::new(), affected: Vec::new() };
        let Some(origin) = origins(tx, own, self.parts.inspector.as_ref())?.first().copied() else { return Ok(seen) };
        for look in tx.looks(&Which::AsOf(origin, PAGE))? {
            seen.newer.extend(self.parts.inspector.newer_than(&look.revision));
            if self.may_improve(tx, &look)? {
                seen.affected.push(look.number);
                if seen.affected.len() >= AT_ONCE {
                    break;
                }
                continue;
            }
            seen.kept.push(look.number);
            if origin == 0 {
                seen.refile.push(look.number);
            }
        }
        Ok(seen)
    }

    /// Whether this node's scanner could make another inventory of this.
    pub(crate) fn may_improve(&self, tx: &mut dyn Tx, look: &Look) -> Result<bool, Problem> {
        let inspector = self.parts.inspector.as_ref();
        let newer = inspector.newer_than(&look.revision);
        let mut files = true;
        if look.role == Role::Image {
            let Some(package) = package_of(tx, &look.digest)? else { return Ok(false) };
            match self.holds_files(tx, &package, look, NESTING)? {
                Some(some) => files = some,
                None => return Ok(true),
            }
        }
        if newer.is_empty() {
            return Ok(false);
        }
        let Some((stored, outline)) = tx.outlined(look.number)? else { return Ok(false) };
        // What layers consist of is kept with the layers.
        let outline = if files { outline } else { Some(Outline::default()) };
        Ok(inspector.may_improve(&newer, look.role, &stored.inventory, outline.as_ref()))
    }

    /// Whether files travel in an image, or in an image of an index; nothing where a layer of it can be improved, or was
    /// made again since the image was put together.
    fn holds_files(
        &self,
        tx: &mut dyn Tx,
        package: &Package,
        look: &Look,
        nesting: u8,
    ) -> Result<Option<bool>, Problem> {
        let makings = Makings::of(package);
        let mut files = makings.files;
        for digest in makings.layers {
            for layer in tx.looks(&Which::Of(digest, Role::Layer))? {
                if layer.made_at > look.made_at || self.may_improve(tx, &layer)? {
                    return Ok(None);
                }
            }
        }
        if nesting == 0 {
            return Ok(Some(files));
        }
        for digest in makings.images {
            let at = &package.at;
            let version = digest.to_string();
            let image = tx.packages_named(package.repository, &at.format, &at.name, Some(&version))?.pop();
            let Some(image) = image else { continue };
            match self.holds_files(tx, &image, look, nesting - 1)? {
                Some(more) => files |= more,
                None => return Ok(None),
            }
        }
        Ok(Some(files))
    }
}

/// A package that has the digest, as far as any has.
pub(super) fn package_of(tx: &mut dyn Tx, digest: &Digest) -> Result<Option<Package>, Problem> {
    let ids = tx.packages_with_digest(digest)?;
    Ok(tx.packages(ids.get(..1).unwrap_or_default())?.pop())
}
