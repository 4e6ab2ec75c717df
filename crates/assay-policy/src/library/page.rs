//! The page about the library, `docs/policy-library.md`: made from the folders, so that it cannot differ from them.

use super::{Ready, all, settings::Setting};
use assay_model::Problem;
use serde_json::Value;

const INTRODUCTION: &str = "# Ready policies

This page is made from the folders of `crates/assay-policy/library`; a test says how to make it again. How policies work is
in [policies.md](policies.md).

```
assay policy library list
assay policy install epss-kev --set score=0.2 --dry-run
assay policy install epss-kev --set score=0.2
```

`install` saves the policy under its name and waits until every package is decided by it. `--dry-run` saves nothing, and says
what it would block and release among everything stored.

* `--set name=value` changes a setting, and may be repeated. Lists are parted by commas (`--set ignored=CVE-2026-1,CVE-2026-2`);
  nothing after the `=` empties one. Values are checked, and written into the module as constants between two marks.
* `--action`, `--precedence`, `--on-failure` replace what the policy says itself; `--action add-tags=risky` marks packages
  instead of refusing them.
* `--name epss-kev-prod --set repositories=prod-*` installs it a second time, with other settings.
* Installing it again keeps what was set, takes the module of this version, and changes what is named. `--defaults` starts over.
* `assay policy library export NAME DIR` writes module, tests, sheet and description to `DIR/NAME`, to edit them or keep
  them in a repository of your own. `assay policy test DIR/NAME` runs its tests, `assay policy simulate DIR/NAME` tries it.

In every list of packages, names are written `format:name` or `format:name:version`, with `*` for any text.

## Order

They are made to be used together. The order of evaluation is that of this table, by precedence; the last state that a policy
sets counts, and a terminal one that matches ends the evaluation.

";

const COMPOSITION: &str = "
* **First, what is settled by name**: malware and block lists end the evaluation, so that nothing after them lets a package
  through. Exceptions come next and end it too: what is listed there is not asked about by any later policy.
* **Then what is wrong with the package itself**, from where it comes from and how new it is, over its vulnerabilities, to
  its licence, what it contains and how it is kept. They do not end the evaluation, so that a refusal names all reasons at once.
* **Last, the gate to production**, which applies only in the repositories that carry its label.

Your own policies fit between, by their precedence. One that lets packages through (`allow`) belongs before 100 if it is
terminal, or after 430 if it is not.

A good beginning is `malware`, `epss-kev` and `critical-with-fix`; then `secrets` and `licenses`, and `cooldown` where there
are upstreams. Try each with `--dry-run`.

";

/// The page.
///
/// # Errors
/// As of [`all`].
pub fn page() -> Result<String, Problem> {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| precedence | policy | | on a match |\n|---|---|---|---|\n");
    for Ready { sheet, .. } in all()? {
        let terminal = if sheet.terminal { ", the last word" } else { "" };
        let actions = sheet.actions.iter().map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", ");
        page.push_str(&format!(
            "| {} | [`{}`](#{}) | {} | {actions}{terminal} |\n",
            sheet.precedence, sheet.name, sheet.name, sheet.summary
        ));
    }
    page.push_str(COMPOSITION);
    page.push_str("## The policies\n");
    all()?.iter().for_each(|ready| page.push_str(&section(ready)));
    Ok(page)
}

fn section(ready: &Ready) -> String {
    let sheet = &ready.sheet;
    let about = ready.about.split_once("\n\n").map_or("", |(_, rest)| rest).trim();
    let mut text = format!("\n### {}\n\n**{}.** {}\n\n{about}\n\n", sheet.name, sheet.title, sheet.summary);
    text.push_str(&format!("```\n{}\n```\n\nIt says: *{}*\n\n", command(ready), sheet.description));
    text.push_str("| setting | | default | |\n|---|---|---|---|\n");
    for setting in &sheet.settings {
        let (name, expects, about) = (&setting.name, setting.expects(), setting.about.replace('|', "\\|"));
        text.push_str(&format!("| `{name}` | {expects} | {} | {about} |\n", default(setting)));
    }
    text
}

fn default(setting: &Setting) -> String {
    match &setting.default {
        Value::String(text) => format!("`{text}`"),
        Value::Array(all) if all.is_empty() => if setting.required { "none; must be set" } else { "none" }.into(),
        Value::Array(all) => {
            all.iter().map(|one| format!("`{}`", one.as_str().unwrap_or_default())).collect::<Vec<_>>().join(", ")
        }
        Value::Object(map) if map.is_empty() => "none".into(),
        other => format!("`{other}`"),
    }
}

/// The command that installs it.
pub fn command(ready: &Ready) -> String {
    let required = ready.sheet.settings.iter().filter(|setting| setting.required);
    let named: String = required.map(|setting| format!(" --set {}=...", setting.name)).collect();
    format!("assay policy install {}{named}", ready.sheet.name)
}
