//! Targets of `assay-policy`: policy texts as a person might type them.

use std::time::Duration;

use assay_model::seam::judge::Judge;
use assay_policy::{Limits, RegoJudge};

use super::Target;

const POLICIES: &[&str] = &[
    "package assay\n\nimport rego.v1\n\ndefault match := false\n\nmatch if {\n\tsome f in input.v0.findings\n\tf.cvss > 7.5\n}\n",
    "package cloudsmith\n\ndefault match = false\n\nmatch if count(reason) > 0\n\nreason contains msg if {\n  input.v0.package.name == \"a\"\n  msg := sprintf(\"%s\", [input.v0.package.version])\n}\n",
    "package assay\n\nx := 1\n\nmatch if count(reason) > 0\n\nreason contains $\"{v.name} {[x | some x in [1]]} \\{\" if {\n\tsome x in [2]\n\t[_, v] := walk({\"a\": x})\n}\nreason contains {\"a\": (v.b)} if some v in [`c`] # $\"\n",
    "package a\nx[y] { y := input.z[_]; not y == 1 }\nf(a) := b { b := a + 1 } else := 2\n",
];

pub(super) fn targets() -> Vec<Target> {
    let limits = Limits { source_bytes: 16 << 10, evaluation: Duration::from_secs(1), ..Limits::default() };
    let judge = RegoJudge::new(&[]).with_limits(limits);
    let seeds = POLICIES.iter().map(|text| text.as_bytes().to_vec()).collect();
    vec![Target::new("policy-rego", seeds, move |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Err(problem) = judge.check(text) {
            assert!(!problem.to_string().is_empty());
        }
    })]
}
