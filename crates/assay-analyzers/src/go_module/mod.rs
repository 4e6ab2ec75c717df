//! Go module zips (Go modules reference, "Module zip files"): every name begins with `module@version/`.

use assay_archive::{Budget, Flow, Kind};
use assay_model::inventory::Inventory;
use assay_model::problem::Problem;
use assay_model::seam::ReadSeek;
use assay_model::seam::analyzer::{AnalyzerSpec, Entry, Reads};

use crate::part::{inside, text};
use crate::reader::{Reader, if_recognised, may_be_package, members, package, requirements};

static SPEC: AnalyzerSpec = AnalyzerSpec {
    id: "go-module",
    revision: 1,
    reads: Reads::Package,
    summary: "Go module zips: module, version, and what its go.mod requires",
};

const OSV: &str = "Go";

pub(crate) const PART: Reader =
    Reader { spec: &SPEC, wants: |entry| entry.path.ends_with(".zip") && may_be_package(entry), look };

fn look(entry: &Entry<'_>, bytes: &mut dyn ReadSeek, budget: &Budget, out: &mut Inventory) -> Result<(), Problem> {
    let mut prefix: Option<String> = None;
    let mut first = String::new();
    let mut requires = Vec::new();
    let outcome = members(bytes, Kind::Zip, budget, |head, body| {
        if prefix.is_none() {
            // The first name decides; nothing of other zips is read.
            prefix = module_prefix(&head.path).map(str::to_owned);
            first.clone_from(&head.path);
        }
        let Some(prefix) = &prefix else { return Ok(Flow::Stop) };
        if head.path.strip_prefix(prefix.as_str()) == Some("/go.mod") {
            requires = required(&text(body, budget)?);
        }
        Ok(Flow::Continue)
    });
    let Some(prefix) = if_recognised(outcome, prefix)? else { return Ok(()) };
    let Some((module, version)) = prefix.rsplit_once('@') else { return Ok(()) };
    let mut own = package(OSV, module, version, &inside(entry, &format!("{prefix}/go.mod")), SPEC.id)?;
    own.requires = requires;
    own.is_subject = entry.is_artifact;
    out.components.push(own);
    Ok(())
}

/// `example.org/module@v1.2.3` at the beginning of a name.
fn module_prefix(path: &str) -> Option<&str> {
    let at = path.find('@')?;
    let end = path.get(at..)?.find('/')? + at;
    let version = path.get(at + 1..end)?;
    let is_version = version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (at > 0 && is_version && version.contains('.')).then(|| path.get(..end))?
}

/// `module version` of each `require`, direct or not.
fn required(text: &str) -> Vec<String> {
    let mut in_block = false;
    let lines = text.lines().filter_map(|line| {
        let line = line.split("//").next().unwrap_or_default().trim();
        if in_block {
            in_block = line != ")";
            return in_block.then(|| line.to_owned());
        }
        let rest = line.strip_prefix("require")?.trim();
        in_block = rest.starts_with('(');
        (!in_block).then(|| rest.to_owned())
    });
    requirements(lines.filter(|line| line.split_whitespace().count() == 2))
}

#[cfg(test)]
mod tests {
    use super::{module_prefix, required};

    #[test]
    fn prefixes_and_requirements() {
        assert_eq!(module_prefix("example.org/a/b@v1.2.3/x/y.go"), Some("example.org/a/b@v1.2.3"));
        for other in ["a/b.go", "node_modules/@s/a/package.json", "@v1.0.0/x", "a@v1.0.0", "a@vx/y"] {
            assert_eq!(module_prefix(other), None, "{other}");
        }
        let text =
            "module a\n\nrequire b v1.0.0 // indirect\nrequire (\n\tc v2.0.0+incompatible\n)\nreplace d => e v1.0.0\n";
        assert_eq!(required(text), ["b v1.0.0", "c v2.0.0+incompatible"]);
    }
}
