//! A library of ready policies, part of the program: one folder each under `library/`, with the module, its tests, its sheet
//! and what there is to say about it. A new policy is a folder and a line in [`FOLDERS`]. What its settings may be and how
//! they get into the module is in [`settings`], the page about all of them in [`page`].

mod page;
pub mod settings;

use assay_model::{
    Problem,
    policy::{OnFailure, PolicyAction},
};
use serde::{Deserialize, Serialize};
use settings::{Setting, Values};
use std::sync::LazyLock;

pub use page::{command, page};

/// The files of a folder.
#[derive(Debug)]
struct Folder {
    name: &'static str,
    rego: &'static str,
    tests: &'static str,
    sheet: &'static str,
    about: &'static str,
}

macro_rules! folders {
    ($($name:literal),+ $(,)?) => {
        &[$(Folder {
            name: $name,
            rego: include_str!(concat!("../../library/", $name, "/policy.rego")),
            tests: include_str!(concat!("../../library/", $name, "/policy_test.rego")),
            sheet: include_str!(concat!("../../library/", $name, "/policy.yaml")),
            about: include_str!(concat!("../../library/", $name, "/README.md")),
        }),+]
    };
}

/// Every policy, in the order in which they are evaluated.
const FOLDERS: &[Folder] = folders![
    "malware",
    "lists",
    "exceptions",
    "dependency-confusion",
    "typosquat",
    "popularity-age",
    "cooldown",
    "epss-kev",
    "ssvc",
    "critical-with-fix",
    "licenses",
    "secrets",
    "unsigned",
    "eol-base-image",
    "maintenance",
    "incomplete-inventory",
    "production-gate",
];

/// What a policy's `policy.yaml` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// Name of the folder, and of the policy when it is installed.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// Guidance for those whom it stops, at most 250 characters.
    pub description: String,
    /// Its place in the order of evaluation.
    pub precedence: u16,
    /// Whether a match ends the evaluation.
    pub terminal: bool,
    /// What it means when it fails.
    pub on_failure: OnFailure,
    /// What a match does, as typed on the command line.
    pub actions: Vec<String>,
    /// Ids of the sources without which it never matches.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What can be set.
    pub settings: Vec<Setting>,
}

impl Sheet {
    /// What a match does.
    ///
    /// # Errors
    /// `Invalid` when one is none.
    pub fn actions(&self) -> Result<Vec<PolicyAction>, Problem> {
        self.actions.iter().map(|text| crate::parse_shorthand(text)).collect()
    }
}

/// A ready policy.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// What it is and what can be set.
    #[serde(flatten)]
    pub sheet: Sheet,
    /// The module with its defaults.
    #[serde(skip)]
    pub rego: &'static str,
    /// Its tests.
    #[serde(skip)]
    pub tests: &'static str,
    /// The sheet as it is written.
    #[serde(skip)]
    pub yaml: &'static str,
    /// What there is to say about it, Markdown.
    #[serde(skip)]
    pub about: &'static str,
}

static ALL: LazyLock<Result<Vec<Ready>, String>> = LazyLock::new(|| FOLDERS.iter().map(read).collect());

fn read(folder: &Folder) -> Result<Ready, String> {
    let sheet: Sheet = serde_saphyr::from_str(folder.sheet).map_err(|error| format!("{}: {error}", folder.name))?;
    Ok(Ready { sheet, rego: folder.rego, tests: folder.tests, yaml: folder.sheet, about: folder.about })
}

/// All ready policies, in the order in which they are evaluated.
///
/// # Errors
/// When one's sheet cannot be read, which a test excludes.
pub fn all() -> Result<&'static [Ready], Problem> {
    ALL.as_deref().map_err(|error| Problem::bug(format!("the library of policies cannot be read: {error}")))
}

/// The policy with that name.
///
/// # Errors
/// `NotFound`.
pub fn find(name: &str) -> Result<&'static Ready, Problem> {
    let unknown =
        || Problem::not_found(format!("the library has no policy `{name}`; `assay policy library list` names all"));
    all()?.iter().find(|ready| ready.sheet.name == name).ok_or_else(unknown)
}

impl Ready {
    /// The module with these settings.
    ///
    /// # Errors
    /// When the module has no block of settings, which a test excludes.
    pub fn module(&self, values: &Values) -> Result<String, Problem> {
        settings::replace(self.rego, &self.sheet, values)
            .ok_or_else(|| Problem::bug(format!("the policy {} has no block of settings", self.sheet.name)))
    }
    /// The files of its folder.
    pub fn files(&self) -> [(&'static str, &'static str); 4] {
        [
            ("policy.rego", self.rego),
            ("policy_test.rego", self.tests),
            ("policy.yaml", self.yaml),
            ("README.md", self.about),
        ]
    }
}
