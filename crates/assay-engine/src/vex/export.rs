//! What this workspace says of its packages, as OpenVEX 0.2: what is waived, what trusted statements say, and what is open.

use super::Engine;
use crate::catalogue::{PackageDetail, ScoredFinding};
use assay_model::{
    access::{Caller, Permission},
    assessment::Suppression,
    digest::Digest,
    finding::{FindingKind, Status},
    package::{PackageId, State},
    problem::{Kind, Problem},
    purl::{Purl, UNTYPED},
    seam::meta::{self, PackageFilter},
    vex::{VexStatus, VexSubject},
    waiver::{Waiver, WaiverId},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Packages of one document.
const MAX_PACKAGES: usize = 10_000;
const PAGE: usize = 200;

/// What is exported. Empty fields do not restrict.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VexExport {
    /// Packages of this repository.
    pub repository: Option<String>,
    /// This package, as `repository/format/name@version` or by number.
    pub package: Option<String>,
}

/// What is said of one finding, without of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Saying {
    vulnerability: String,
    aliases: BTreeSet<String>,
    status: VexStatus,
    justification: Option<String>,
    /// `impact_statement` or `action_statement`, as fits the status.
    text: Option<String>,
    notes: Option<String>,
}

/// Package to the components that a saying is about.
type Products = BTreeMap<PackageId, (Value, BTreeSet<String>)>;

impl Engine {
    /// The document.
    ///
    /// # Errors
    /// `NotFound` and `Forbidden` for what is named; `Invalid` when nothing is to be said; `TooLarge`.
    pub async fn export_vex(self: &Arc<Self>, caller: &Caller, what: VexExport) -> Result<Value, Problem> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let ids = match (given(what.package), given(what.repository)) {
            (Some(package), _) => vec![self.find_package(caller, &package).await?],
            (None, repository) => self.exported(caller, repository).await?,
        };
        let mut said: BTreeMap<Saying, Products> = BTreeMap::new();
        for id in ids {
            let detail = self.package_detail(caller, id).await?;
            let waivers = self.waivers_of(&detail).await?;
            let product = product(&detail.names, &detail);
            // That a release is no longer maintained is no vulnerability, and VEX has no word for it.
            let known = |found: &&ScoredFinding| found.finding.kind != FindingKind::EndOfLife;
            for found in detail.findings.iter().filter(known) {
                let (_, parts) = said
                    .entry(saying(found, &waivers))
                    .or_default()
                    .entry(id)
                    .or_insert_with(|| (product.clone(), BTreeSet::new()));
                parts.insert(found.component.purl.clone());
            }
        }
        if said.is_empty() {
            return Err(Problem::invalid(
                "nothing-to-say",
                "no package of these has a finding, so there is nothing to say",
            ));
        }
        let statements: Vec<Value> = said.iter().map(|(saying, products)| saying.statement(products)).collect();
        let digest = Digest::of(Value::from(statements.clone()).to_string().as_bytes());
        Ok(json!({
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": format!("{}/api/v1/vex/export#{}", self.parts.public_url, digest.hex()),
            "author": self.parts.workspace,
            "timestamp": self.now().to_string(),
            "version": 1,
            "tooling": concat!("assay ", env!("CARGO_PKG_VERSION")),
            "statements": statements,
        }))
    }

    async fn exported(&self, caller: &Caller, repository: Option<String>) -> Result<Vec<PackageId>, Problem> {
        let places = match repository {
            Some(name) => vec![self.repository(caller, &name, Permission::Read).await?.id],
            None => self.readable_repositories(caller).await?.into_iter().map(|repository| repository.id).collect(),
        };
        meta::read(self.meta(), move |tx| {
            let mut ids = Vec::new();
            let mut filter =
                PackageFilter { repositories: Some(places.clone()), limit: PAGE, ..PackageFilter::default() };
            loop {
                let page = tx.list_packages(&filter)?;
                filter.before = page.last().map(|package| package.id);
                let last = page.len() < PAGE;
                ids.extend(page.into_iter().filter(|one| one.state != State::Pending).map(|one| one.id));
                if ids.len() > MAX_PACKAGES {
                    let message = format!(
                        "these are more than {MAX_PACKAGES} packages; export one repository or package at a time"
                    );
                    return Err(Problem::new(Kind::TooLarge, "too-many", message));
                }
                if last {
                    return Ok(ids);
                }
            }
        })
        .await
    }

    async fn waivers_of(&self, detail: &PackageDetail) -> Result<BTreeMap<WaiverId, Waiver>, Problem> {
        let suppressed = detail.findings.iter().flat_map(|found| &found.assessment.suppressed);
        let ids: BTreeSet<WaiverId> = suppressed.filter_map(|one| one.waiver().cloned()).collect();
        meta::read(self.meta(), move |tx| {
            let mut waivers = BTreeMap::new();
            for id in &ids {
                waivers.extend(tx.waiver(id)?.map(|waiver| (id.clone(), waiver)));
            }
            Ok(waivers)
        })
        .await
    }
}

/// What is said of a finding: the trusted statement first, then the waiver, then that it is open.
fn saying(found: &ScoredFinding, waivers: &BTreeMap<WaiverId, Waiver>) -> Saying {
    let finding = &found.finding;
    let mut saying = Saying {
        vulnerability: finding.id.clone(),
        aliases: finding.aliases.clone(),
        status: VexStatus::Affected,
        justification: None,
        text: None,
        notes: None,
    };
    if let Some(said) = found.assessment.said.as_ref().filter(|said| said.trusted) {
        saying.status = said.statement.status;
        saying.justification = said.statement.justification.clone();
        saying.text = said.statement.statement.clone();
        let (author, document) = (&said.statement.author, &said.statement.document);
        saying.notes = Some(match author.is_empty() {
            true => format!("said in {document}"),
            false => format!("said by {author} in {document}"),
        });
    } else if let Some(waiver) = waived(found, waivers) {
        let vex = waiver.vex.as_ref();
        saying.status = vex.map_or(VexStatus::Affected, |vex| vex.status);
        saying.justification = vex.and_then(|vex| vex.justification.clone());
        saying.text = Some(waiver.reason.clone());
        saying.notes = Some(format!("waived until {} by {} ({})", waiver.expires_at, waiver.author, waiver.id));
    } else if finding.status == Status::UnderInvestigation {
        saying.status = VexStatus::UnderInvestigation;
    }
    saying.complete(found)
}

fn waived<'a>(found: &ScoredFinding, waivers: &'a BTreeMap<WaiverId, Waiver>) -> Option<&'a Waiver> {
    found.assessment.suppressed.iter().find_map(Suppression::waiver).and_then(|id| waivers.get(id))
}

/// What OpenVEX knows as justification.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

impl Saying {
    /// With the texts that its status requires; other formats' justifications become part of the text.
    fn complete(mut self, found: &ScoredFinding) -> Self {
        let foreign = self
            .justification
            .take_if(|text| self.status != VexStatus::NotAffected || !JUSTIFICATIONS.contains(&text.as_str()));
        if self.text.is_none() {
            self.text = foreign;
        }
        match self.status {
            VexStatus::Affected if self.text.is_none() => {
                self.text = Some(match &found.finding.nearest_fixed {
                    Some(version) => format!("Update {} to {version}.", found.component.name),
                    None => format!("No fixed version of {} is known.", found.component.name),
                });
            }
            VexStatus::NotAffected if self.text.is_none() && self.justification.is_none() => {
                self.text = self.notes.clone();
            }
            _ => {}
        }
        self
    }

    fn statement(&self, products: &Products) -> Value {
        let mut statement = Map::new();
        let mut vulnerability = json!({"name": self.vulnerability});
        if let (Some(fields), false) = (vulnerability.as_object_mut(), self.aliases.is_empty()) {
            fields.insert("aliases".to_owned(), json!(self.aliases));
        }
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                statement.insert(key.to_owned(), value);
            }
        };
        put("vulnerability", Some(vulnerability));
        put("products", Some(each_once(products).into()));
        put("status", Some(self.status.as_str().into()));
        put("justification", self.justification.clone().map(Value::from));
        let text = self.text.clone().map(Value::from);
        match self.status {
            VexStatus::NotAffected => put("impact_statement", text),
            VexStatus::Affected => put("action_statement", text),
            VexStatus::Fixed | VexStatus::UnderInvestigation => {}
        }
        put("status_notes", self.notes.clone().map(Value::from));
        Value::Object(statement)
    }
}

/// The product that a package is, by package URL and digest.
fn product(names: &VexSubject, detail: &PackageDetail) -> Value {
    let at = &detail.row.package.at;
    let generic =
        || Purl::builder(UNTYPED, at.name.as_str()).version(at.version.as_str()).build().map(String::from).ok();
    let purl = names
        .purls
        .first()
        .cloned()
        .or_else(generic)
        .unwrap_or_else(|| format!("pkg:{UNTYPED}/{}", detail.row.package.id.0));
    let mut product = json!({"@id": purl, "identifiers": {"purl": purl}});
    let digests: Vec<&String> = names.digests.iter().filter(|digest| digest.starts_with("sha256:")).collect();
    if let ([digest], Some(fields)) = (digests.as_slice(), product.as_object_mut()) {
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
        fields.insert("hashes".to_owned(), json!({"sha-256": hex}));
    }
    product
}

/// The products, each once: the same package may be in several repositories.
fn each_once(products: &Products) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::with_capacity(products.len());
    let mut seen = BTreeSet::new();
    for product in products.values().map(with_parts) {
        if seen.insert(product.to_string()) {
            all.push(product);
        }
    }
    all
}

/// With the components that are meant; the package itself is no part of itself.
fn with_parts((product, parts): &(Value, BTreeSet<String>)) -> Value {
    let mut product = product.clone();
    let own = product.get("@id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let parts: Vec<Value> = parts
        .iter()
        .filter(|purl| **purl != own)
        .map(|purl| json!({"@id": purl, "identifiers": {"purl": purl}}))
        .collect();
    if let (Some(fields), false) = (product.as_object_mut(), parts.is_empty()) {
        fields.insert("subcomponents".to_owned(), parts.into());
    }
    product
}
