//! `cargo xtask formats`: the page `docs/formats.md`, made of what tests saw real clients do, and the check that it says
//! no more than that. The tests write down what they saw in `assay-testkit`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::report::Outcome;
use crate::{install, repo};

/// A case as it is written down, and as the page calls it, in the order of its columns.
const CASES: &[(&str, &str)] = &[
    ("push", "push"),
    ("pull", "pull"),
    ("proxied", "proxied"),
    ("virtual", "virtual"),
    ("quarantined", "quarantined"),
    ("hidden", "hidden"),
    ("no-permission", "no permission"),
    ("search", "search, list"),
    ("take-back", "take back"),
];

const HEAD: &str = "\
# Formats and their clients

Each mark is a test in which the real client did this against a real server and its output said so. The page is made by
`cargo xtask formats` from what the tests of the last run saw; `cargo xtask test` fails when it claims more than they did.

* **push**, **pull**: published here; had what was published here.
* **proxied**, **virtual**: had through the server what an upstream has; had it through a repository that composes others.
* **quarantined**: was refused a quarantined version, and its output gives the reason.
* **hidden**: did not see a hidden version.
* **no permission**: was refused without permission, and its output says so.
* **search, list**; **take back**: looked something up; yanked, unpublished or deleted.

An empty field says that no test shows it: the client cannot do it, or nobody has shown that it can.
";

/// One mark of the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Seen {
    format: String,
    client: String,
    case: String,
}

impl Seen {
    /// `yarn` of `yarn 1`.
    fn program(&self) -> &str {
        self.client.split(' ').next().unwrap_or(&self.client)
    }
}

/// What one run of the tests left.
#[derive(Debug, Default)]
struct Evidence {
    seen: BTreeSet<Seen>,
    /// What tests said that they did not do.
    skipped: Vec<String>,
}

/// The verb `formats`.
///
/// # Errors
/// For an unknown switch, without evidence, or when the page cannot be read or written.
pub fn run(switches: &[String]) -> Result<bool> {
    let evidence = Evidence::read(&folder())?;
    match switches {
        [] => {
            if evidence.seen.is_empty() {
                bail!("no test has seen a client do anything: run `cargo xtask test` first");
            }
            let text = render(&evidence.seen, |format| page_of(format).is_file());
            std::fs::write(page(), text).with_context(|| format!("cannot write {}", page().display()))?;
            for line in &evidence.skipped {
                println!("not in the page: {line}");
            }
            Ok(true)
        }
        [only] if only == "--check" => match judge(&evidence)? {
            Outcome::Failed(why) => {
                eprintln!("{why}");
                Ok(false)
            }
            Outcome::Skipped(why) => {
                eprintln!("SKIPPED: {why}");
                Ok(true)
            }
            Outcome::Passed => Ok(true),
        },
        [extra, ..] => bail!("`formats` has no switch {extra:?}; it has --check"),
    }
}

/// Forgets what earlier runs saw, so that the page is held against this one.
///
/// # Errors
/// When the folder cannot be removed.
pub fn forget() -> Result<()> {
    match std::fs::remove_dir_all(folder()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("cannot clear the evidence"),
        _ => Ok(()),
    }
}

/// Holds the page against the run that just ended; what that run skipped is kept beside its evidence.
///
/// # Errors
/// When page or evidence cannot be read.
pub fn check(skipped: &[String]) -> Result<Outcome> {
    std::fs::create_dir_all(folder())?;
    std::fs::write(skipped_file(&folder()), skipped.join("\n"))?;
    judge(&Evidence::read(&folder())?)
}

fn judge(evidence: &Evidence) -> Result<Outcome> {
    let text = std::fs::read_to_string(page()).context("docs/formats.md cannot be read: cargo xtask formats")?;
    Ok(verdict(&text, evidence, |client| install::find(client).is_some(), |format| page_of(format).is_file()))
}

fn folder() -> PathBuf {
    repo::root().join("target/evidence")
}

fn page() -> PathBuf {
    repo::root().join("docs/formats.md")
}

fn page_of(format: &str) -> PathBuf {
    repo::root().join(format!("docs/formats/{format}.md"))
}

fn skipped_file(folder: &Path) -> PathBuf {
    folder.join("skipped.txt")
}

impl Evidence {
    fn read(folder: &Path) -> Result<Self> {
        let mut evidence = Self::default();
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(evidence) };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path)?;
                let seen = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
                evidence.seen.insert(seen);
            }
        }
        let skipped = std::fs::read_to_string(skipped_file(folder)).unwrap_or_default();
        evidence.skipped = skipped.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(evidence)
    }

    /// Whether the run says of itself that it left something of this format or client out.
    fn left_out(&self, seen: &Seen) -> bool {
        let names = |line: &str, word: &str| {
            line.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '-').any(|part| part == word)
        };
        let program = seen.program().to_lowercase();
        self.skipped.iter().any(|line| names(line, &program) || names(line, &seen.format))
    }
}

/// What is wrong with the page: an edit by hand, or marks that the run does not show although it could.
fn verdict(
    page: &str,
    evidence: &Evidence,
    installed: impl Fn(&str) -> bool,
    has_page: impl Fn(&str) -> bool,
) -> Outcome {
    let claimed = claims(page);
    if render(&claimed, has_page) != page {
        return Outcome::Failed("docs/formats.md is not as it was made: run `cargo xtask formats`".to_owned());
    }
    let unseen = claimed.difference(&evidence.seen);
    let (told, wrong): (Vec<&Seen>, Vec<&Seen>) =
        unseen.partition(|seen| !installed(seen.program()) || evidence.left_out(seen));
    if !wrong.is_empty() {
        return Outcome::Failed(format!("docs/formats.md claims what no test saw:\n  {}", lines(&wrong)));
    }
    if !told.is_empty() {
        return Outcome::Skipped(format!("claimed, and not run on this machine:\n  {}", lines(&told)));
    }
    let fresh: Vec<&Seen> = evidence.seen.difference(&claimed).collect();
    if !fresh.is_empty() {
        eprintln!("docs/formats.md does not say yet (cargo xtask formats):\n  {}", lines(&fresh));
    }
    Outcome::Passed
}

fn lines(seen: &[&Seen]) -> String {
    let line = |seen: &&Seen| format!("{} / {} / {}", seen.format, seen.client, seen.case);
    seen.iter().map(line).collect::<Vec<_>>().join("\n  ")
}

fn render(seen: &BTreeSet<Seen>, has_page: impl Fn(&str) -> bool) -> String {
    let titles: Vec<&str> = CASES.iter().map(|(_, title)| *title).collect();
    let mut text =
        format!("{HEAD}\n| format | client | {} |\n|---|---|{}\n", titles.join(" | "), "---|".repeat(CASES.len()));
    let rows: BTreeSet<(&str, &str)> = seen.iter().map(|seen| (seen.format.as_str(), seen.client.as_str())).collect();
    for (format, client) in rows {
        let mark =
            |case: &str| seen.iter().any(|seen| seen.format == format && seen.client == client && seen.case == case);
        let marks: Vec<&str> = CASES.iter().map(|(case, _)| if mark(case) { "✓" } else { "" }).collect();
        let shown = if has_page(format) { format!("[{format}](formats/{format}.md)") } else { format.to_owned() };
        text.push_str(&format!("| {shown} | {client} | {} |\n", marks.join(" | ")));
    }
    text
}

/// The marks of a page.
fn claims(page: &str) -> BTreeSet<Seen> {
    let mut claims = BTreeSet::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|')) {
        let fields: Vec<&str> = row.split('|').map(str::trim).collect();
        let [format, client, marks @ ..] = fields.as_slice() else { continue };
        let format = format.strip_prefix('[').and_then(|link| Some(link.split_once(']')?.0)).unwrap_or(format);
        for ((case, _), _) in CASES.iter().zip(marks).filter(|(_, mark)| **mark == "✓") {
            claims.insert(Seen { format: format.to_owned(), client: (*client).to_owned(), case: (*case).to_owned() });
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Seen, claims, render, verdict};
    use crate::report::Outcome;
    use std::collections::BTreeSet;

    fn seen(lines: &[(&str, &str, &str)]) -> BTreeSet<Seen> {
        let owned = |(format, client, case): &(&str, &str, &str)| Seen {
            format: (*format).to_owned(),
            client: (*client).to_owned(),
            case: (*case).to_owned(),
        };
        lines.iter().map(owned).collect()
    }

    fn judged(page: &str, evidence: &Evidence, installed: &[&str]) -> Outcome {
        verdict(page, evidence, |client| installed.contains(&client), |format| format == "fruit")
    }

    const ALL: &[(&str, &str, &str)] = &[
        ("fruit", "peel", "push"),
        ("fruit", "peel", "no-permission"),
        ("fruit", "crush", "pull"),
        ("nuts", "crack", "hidden"),
    ];

    #[test]
    fn a_page_says_what_was_seen_and_can_be_read_back() {
        let page = render(&seen(ALL), |format| format == "fruit");
        assert!(page.contains("| [fruit](formats/fruit.md) | peel | ✓ |  |  |  |  |  | ✓ |  |  |\n"), "{page}");
        assert!(page.contains("| nuts | crack |"), "a format without a page has no link: {page}");
        assert_eq!(claims(&page), seen(ALL));
        assert_eq!(claims(&render(&BTreeSet::new(), |_| true)), BTreeSet::new());
    }

    #[test]
    fn a_page_that_claims_what_no_test_saw_fails() {
        let page = render(&seen(ALL), |format| format == "fruit");
        let evidence = Evidence { seen: seen(ALL), skipped: Vec::new() };
        assert!(matches!(judged(&page, &evidence, &["peel", "crush", "crack"]), Outcome::Passed));
        let evidence = Evidence { seen: seen(&ALL[..3]), skipped: vec!["SKIPPED: a: peel is not there".to_owned()] };
        let Outcome::Failed(why) = judged(&page, &evidence, &["peel", "crush", "crack"]) else { panic!("it passed") };
        assert!(why.contains("nuts / crack / hidden") && !why.contains("peel"), "{why}");
    }

    #[test]
    fn a_client_that_was_not_run_is_told_and_does_not_fail() {
        let page = render(&seen(ALL), |format| format == "fruit");
        let missing = Evidence { seen: seen(&ALL[..3]), skipped: Vec::new() };
        let Outcome::Skipped(told) = judged(&page, &missing, &["peel", "crush"]) else { panic!("it is not told") };
        assert!(told.contains("nuts / crack / hidden"), "{told}");
        let said = vec!["SKIPPED: tour: the registry of crack cannot be reached".to_owned()];
        let offline = Evidence { seen: seen(&ALL[..3]), skipped: said };
        assert!(matches!(judged(&page, &offline, &["peel", "crush", "crack"]), Outcome::Skipped(_)));
    }

    #[test]
    fn an_edit_by_hand_is_found() {
        let page = render(&seen(ALL), |format| format == "fruit").replace("empty field", "field left empty");
        let evidence = Evidence { seen: seen(ALL), skipped: Vec::new() };
        assert!(matches!(judged(&page, &evidence, &["peel", "crush", "crack"]), Outcome::Failed(_)));
    }
}
