//! Elixir and Erlang projects: `mix.lock`, a map in Elixir's syntax with one entry on each line.
//!
//! What an entry needs is told as it is written (`requires`): the versions are elsewhere in the file, and optional ones
//! need not be there at all.

use assay_model::component::Lines;
use assay_model::problem::Problem;
use assay_model::seam::analyzer::{AnalyzerSpec, Reads};

use crate::locked::{Locked, Single, file_name, some_of};

static SPEC: AnalyzerSpec =
    AnalyzerSpec { id: "mix", revision: 1, reads: Reads::Project, summary: "`mix.lock`: packages from Hex" };

pub(crate) const PART: Single =
    Single { spec: &SPEC, wants: |path| file_name(path) == "mix.lock", read, ecosystem: "Hex" };

fn read(text: &str, found: &mut Locked<'_>) -> Result<(), Problem> {
    let mut from_git = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some((key, rest)) = line.trim().strip_prefix('"').and_then(|rest| rest.split_once('"')) else { continue };
        let Some(rest) = rest.trim_start().strip_prefix([':', '=']) else { continue };
        let tuple = rest.trim_start_matches('>').trim();
        if tuple.starts_with("{:git") {
            from_git.push(key);
            continue;
        }
        let Some((version, rest)) = package(tuple) else {
            found.refuse();
            continue;
        };
        let Some(mut entry) = found.entry(key, version) else { continue };
        entry.id = format!("{key}@{version}");
        entry.lines = vec![Lines { first: number, last: number }];
        entry.requires = needs(rest);
        entry.digest = quoted(rest).last().and_then(sha256);
        found.add(entry);
    }
    if !from_git.is_empty() {
        found.unresolved(format!("the lock has commits, not versions, of {}", some_of(from_git)));
    }
    Ok(())
}

/// `{:hex, :name, "version", ...}`: the version and what follows it.
fn package(tuple: &str) -> Option<(&str, &str)> {
    let (_, rest) = tuple.strip_prefix("{:hex,")?.trim_start().split_once(',')?;
    rest.trim_start().strip_prefix('"')?.split_once('"')
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The SHA-256 of the tarball stands last; older locks have only that of its content, or none.
fn sha256(sum: &str) -> Option<String> {
    let sane = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    sane.then(|| format!("sha256:{}", sum.to_ascii_lowercase()))
}

/// `{:name, "~> 1.0", [...]}` inside the entry.
fn needs(entry: &str) -> Vec<String> {
    let each = entry.split("{:").skip(1).filter_map(|need| {
        let (name, rest) = need.split_once(',')?;
        let (requirement, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(format!("{} {requirement}", name.trim()))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::PART;
    use crate::locked::testing::{by_id, ids, lines, survives_damage, tree};

    const LOCK: &str = r#"%{
  "castore": {:hex, :castore, "0.1.18", "deb5b9ab02400561b6f5708f3e7660fc35ca2d51bfc6a940d2f513f89c2975fc", [:mix], [], "hexpm", "61bbaf6452b782ef80b33cdb45701afbcf0a918a45ebe7e73f1130d661e66a06"},
  "own": {:git, "https://git.example/own.git", "0123", []},
  "plug": {:hex, :plug_other, "1.13.6", "18", [:mix], [{:mime, "~> 1.0 or ~> 2.0", [hex: :mime, repo: "hexpm", optional: false]}, {:castore, ">= 0.0.0", []}], "hexpm"},
  "old" => {:hex, :old, "0.1.0"},
  "odd": {:hex, :odd},
}
"#;

    #[test]
    fn packages() {
        let out = tree(&PART, &[("mix.lock", LOCK)]);
        assert_eq!(ids(&out), ["castore@0.1.18", "old@0.1.0", "plug@1.13.6"]);
        let castore = by_id(&out, "castore@0.1.18");
        assert_eq!((&*castore.component.purl, lines(castore)), ("pkg:hex/castore@0.1.18", vec![(2, 2)]));
        assert!(castore.digest.as_deref().is_some_and(|digest| digest.starts_with("sha256:61bb")));
        assert_eq!(by_id(&out, "plug@1.13.6").requires, ["mime ~> 1.0 or ~> 2.0", "castore >= 0.0.0"]);
        let reasons: Vec<&str> = out.skipped.iter().map(|skipped| &*skipped.reason).collect();
        assert_eq!(reasons, ["unresolved", "corrupt"]);
    }

    #[test]
    fn damage_does_no_harm() {
        survives_damage(&PART, &[("mix.lock", LOCK)]);
    }
}
