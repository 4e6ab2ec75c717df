//! Documents of VEX from a feed: each is kept with the decisions that it touches, in a transaction of its own.

use super::import::Import;
use assay_model::{
    digest::Digest,
    problem::Problem,
    seam::meta::Change,
    vex::{NewVex, VexOrigin, VexStatement},
};

impl Import<'_, '_> {
    pub(super) fn keep_vex(
        &mut self,
        source: &str,
        name: &str,
        statements: Vec<VexStatement>,
        bytes: &[u8],
    ) -> Result<Change, Problem> {
        let new = NewVex {
            name: name.to_owned(),
            origin: VexOrigin::Feed(source.to_owned()),
            digest: Digest::of(bytes).to_string(),
            package: None,
            statements,
            at: self.now,
        };
        let (engine, mut change) = (self.engine, Change::Unchanged);
        engine.meta().write_now(Box::new(|tx| {
            change = engine.keep_vex(tx, &new)?.1;
            Ok(())
        }))?;
        self.kept.vex.insert(new.name);
        Ok(change)
    }

    /// Removes the documents of a feed that were not read since the last call.
    pub(super) fn take_back_vex(&mut self, source: &str) -> Result<(), Problem> {
        let (engine, keep, now) = (self.engine, std::mem::take(&mut self.kept.vex), self.now);
        let mut gone = 0;
        engine.meta().write_now(Box::new(|tx| {
            gone = engine.retain_vex(tx, source, &keep, now)?;
            Ok(())
        }))?;
        (0..gone).for_each(|_| self.counts(source).count(Change::Withdrawn));
        Ok(())
    }
}
