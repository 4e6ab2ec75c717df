//! Adds tags to a package.

use super::tags;
use assay_model::{
    Problem,
    seam::action::{Action, ActionSpec, Applied, Standing},
};
use serde_json::Value;

/// Adds tags.
#[derive(Clone, Copy, Debug)]
pub struct AddTags;

static SPEC: ActionSpec = ActionSpec {
    id: "add_tags",
    aliases: &["AddPackageTags"],
    summary: "Add tags to the package.",
    shorthands: &[("add-tags=", r#"{"tags":[]}"#)],
};

impl Action for AddTags {
    fn spec(&self) -> &'static ActionSpec {
        &SPEC
    }
    fn check(&self, params: &Value) -> Result<(), Problem> {
        tags::check(params)
    }
    fn apply(&self, action: Applied<'_>, standing: &mut Standing) {
        standing.tags.extend(tags::of(action.params).map(str::to_owned));
    }
    fn revoke(&self, action: Applied<'_>, base: &Standing, standing: &mut Standing) {
        for tag in tags::of(action.params).filter(|tag| !base.tags.contains(*tag)) {
            standing.tags.remove(tag);
        }
    }
}
