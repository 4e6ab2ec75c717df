//! What the server's answers look like to the command line: only the members that are shown, so that an older or newer
//! server is understood as far as possible.

use assay_engine::ScoredFinding;
use assay_model::{
    component::{Component, Occurrence},
    decision::{Cited, Decision},
    event::Event,
    finding::{Finding, Severity},
    health::Signature,
    inventory::{LicenseFile, OsRelease, Secret, Skipped},
    keeping::{Downloads, Usage},
    overrides::{Approval, LicenseCorrection},
    package::{File, Override, State},
    score::{Epss, Kev},
};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A line in a list of packages.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) format: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) state: State,
    #[serde(default)]
    pub(super) tags: BTreeSet<String>,
    pub(super) uploader: String,
    pub(super) uploaded_at: Timestamp,
    #[serde(default)]
    pub(super) published_at: Option<Timestamp>,
    pub(super) repository_name: String,
    pub(super) display: String,
    #[serde(default)]
    pub(super) references: Vec<String>,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default, rename = "severities")]
    pub(super) findings: BTreeMap<Severity, usize>,
    #[serde(default)]
    pub(super) suppressed: BTreeMap<Severity, usize>,
    #[serde(default)]
    pub(super) downloads: Downloads,
    #[serde(default)]
    pub(super) held: Option<Override>,
}

/// One package.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    pub(super) row: Row,
    #[serde(default)]
    pub(super) files: Vec<File>,
    pub(super) inventory: Inside,
    pub(super) inventoried: bool,
    #[serde(default)]
    pub(super) findings: Vec<Scored>,
    #[serde(default)]
    pub(super) decisions: Vec<Decision>,
    #[serde(default)]
    pub(super) waivers: Vec<assay_model::waiver::Waiver>,
    #[serde(default)]
    pub(super) refusal: Option<Refused>,
    #[serde(default)]
    pub(super) events: Vec<Event>,
    #[serde(default)]
    pub(super) pulls: Pulls,
    #[serde(default)]
    pub(super) corrected_license: Option<LicenseCorrection>,
    #[serde(default)]
    pub(super) signatures: Vec<Signature>,
    #[serde(default)]
    pub(super) requester: Option<String>,
    #[serde(default)]
    pub(super) approvals: Vec<Approval>,
}

/// Who downloaded a package lately.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Pulls {
    #[serde(default)]
    pub(super) month: u64,
    #[serde(default)]
    pub(super) callers: BTreeMap<String, u64>,
}

/// The parts of an inventory that are shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Inside {
    #[serde(default)]
    pub(super) components: Vec<Occurrence>,
    #[serde(default)]
    pub(super) os: Option<OsRelease>,
    #[serde(default)]
    pub(super) skipped: Vec<Skipped>,
    #[serde(default)]
    pub(super) secrets: Vec<Secret>,
    #[serde(default)]
    pub(super) licenses: Vec<LicenseFile>,
    #[serde(default)]
    pub(super) analyzers: BTreeSet<String>,
    #[serde(default)]
    pub(super) files_seen: u64,
}

/// A finding with component and scores.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scored {
    component: Component,
    #[serde(flatten)]
    finding: Finding,
    #[serde(default)]
    epss: Option<Epss>,
    #[serde(default)]
    kev: Option<Kev>,
    #[serde(flatten)]
    assessment: assay_model::assessment::Assessment,
}

impl From<Scored> for ScoredFinding {
    fn from(one: Scored) -> Self {
        Self {
            component: one.component,
            finding: one.finding,
            epss: one.epss,
            kev: one.kev,
            assessment: one.assessment,
        }
    }
}

/// Why the gate refuses a package.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refused {
    #[serde(default)]
    pub(super) policies: Vec<String>,
    #[serde(default)]
    pub(super) reasons: Vec<String>,
    #[serde(default)]
    pub(super) vulnerabilities: Vec<Cited>,
    #[serde(default)]
    pub(super) nearest_allowed: Option<String>,
    #[serde(default)]
    pub(super) link: String,
}

/// Jobs of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Jobs {
    pub(super) waiting: i64,
    pub(super) running: i64,
    pub(super) dead: i64,
}

/// The last state of a feed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Feed {
    pub(super) feed: String,
    #[serde(default)]
    pub(super) synced_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) error: Option<String>,
}

/// State of a server.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) version: String,
    pub(super) workspace: String,
    #[serde(default)]
    pub(super) jobs: BTreeMap<String, Jobs>,
    #[serde(default)]
    pub(super) advisories: BTreeMap<String, i64>,
    #[serde(default)]
    pub(super) feeds: Vec<Feed>,
    #[serde(default)]
    pub(super) matched: u64,
    #[serde(default)]
    pub(super) decided: u64,
    #[serde(default)]
    pub(super) now: Timestamp,
    #[serde(default)]
    pub(super) since: Option<assay_engine::Drained>,
    #[serde(default)]
    pub(super) inventories: i64,
    #[serde(default)]
    pub(super) repositories: Vec<Holds>,
    #[serde(default)]
    pub(super) renewal: Option<assay_model::renewal::Renewal>,
}

/// What a repository holds, next to its quotas.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Holds {
    pub(super) name: String,
    pub(super) holds: Held,
    #[serde(default)]
    pub(super) quota_bytes: u64,
    #[serde(default)]
    pub(super) quota_packages: u64,
}

/// Packages and bytes, and those in the trash.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Held {
    #[serde(default)]
    pub(super) packages: u64,
    #[serde(default)]
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) trash: Usage,
}
