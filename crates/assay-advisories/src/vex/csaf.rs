//! CSAF 2.0 and 2.1 (OASIS), profile VEX. A product is named by the package URLs of its identification helper; a product
//! made by a relationship ("A as a component of B") is B limited to A.

use super::{digest, items, text, time};
use assay_model::vex::{VexProduct, VexStatement, VexStatus};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Branches of a product tree, inside each other.
const MAX_DEPTH: u32 = 30;

/// Groups of products and what they mean. The first group that names a product counts.
const GROUPS: [(&str, VexStatus); 8] = [
    ("known_not_affected", VexStatus::NotAffected),
    ("fixed", VexStatus::Fixed),
    ("first_fixed", VexStatus::Fixed),
    ("known_affected", VexStatus::Affected),
    ("first_affected", VexStatus::Affected),
    ("last_affected", VexStatus::Affected),
    ("under_investigation", VexStatus::UnderInvestigation),
    ("unknown", VexStatus::UnderInvestigation),
];

pub(super) fn is_one(document: &Value) -> bool {
    document.get("document").and_then(|head| text(head, "csaf_version")).is_some()
}

pub(super) fn read(name: &str, document: &Value) -> Vec<VexStatement> {
    let head = document.get("document").unwrap_or(&Value::Null);
    let tracking = head.get("tracking").unwrap_or(&Value::Null);
    let at = time(text(tracking, "current_release_date"));
    let author = head.get("publisher").and_then(|publisher| text(publisher, "name")).unwrap_or_default();
    let id = text(tracking, "id").unwrap_or(name);
    let products = Products::of(document.get("product_tree").unwrap_or(&Value::Null));
    let mut statements = Vec::new();
    for vulnerability in items(document, "vulnerabilities") {
        let ids = ids(vulnerability);
        let groups = vulnerability.get("product_status").unwrap_or(&Value::Null);
        for (group, status) in GROUPS {
            let named: Vec<&str> = items(groups, group).filter_map(Value::as_str).collect();
            let mut by_reason: BTreeMap<(Option<String>, Option<String>), Vec<VexProduct>> = BTreeMap::new();
            for product in named {
                let reason = (justification(vulnerability, product), threat(vulnerability, product));
                by_reason.entry(reason).or_default().extend(products.get(product));
            }
            statements.extend(by_reason.into_iter().map(|((justification, statement), products)| VexStatement {
                vulnerability: ids.clone(),
                products,
                status,
                justification,
                statement,
                at,
                author: author.to_owned(),
                document: id.to_owned(),
            }));
        }
    }
    statements
}

fn ids(vulnerability: &Value) -> BTreeSet<String> {
    let others = items(vulnerability, "ids").filter_map(|id| text(id, "text"));
    text(vulnerability, "cve").into_iter().chain(others).map(str::to_owned).collect()
}

/// The flag that holds for the product (`vulnerable_code_not_present`).
fn justification(vulnerability: &Value, product: &str) -> Option<String> {
    let flag = items(vulnerability, "flags").find(|flag| names(flag, product))?;
    text(flag, "label").map(str::to_owned)
}

/// The impact that is told for the product.
fn threat(vulnerability: &Value, product: &str) -> Option<String> {
    let impact = |threat: &&Value| text(threat, "category") == Some("impact") && names(threat, product);
    let told = items(vulnerability, "threats").find(impact)?;
    text(told, "details").map(str::to_owned)
}

fn names(entry: &Value, product: &str) -> bool {
    items(entry, "product_ids").any(|id| id.as_str() == Some(product))
}

/// The products of a document by their ids.
#[derive(Default)]
struct Products {
    whole: BTreeMap<String, VexProduct>,
    /// Id to (part, product).
    parts: BTreeMap<String, (String, String)>,
}

impl Products {
    fn of(tree: &Value) -> Self {
        let mut products = Self::default();
        items(tree, "full_product_names").for_each(|product| products.add(product));
        items(tree, "branches").for_each(|branch| products.branch(branch, MAX_DEPTH));
        for relationship in items(tree, "relationships") {
            let made = relationship.get("full_product_name").unwrap_or(&Value::Null);
            let part = text(relationship, "product_reference");
            let whole = text(relationship, "relates_to_product_reference");
            if let (Some(id), Some(part), Some(whole)) = (text(made, "product_id"), part, whole) {
                products.parts.insert(id.to_owned(), (part.to_owned(), whole.to_owned()));
            }
        }
        products
    }

    fn branch(&mut self, branch: &Value, depth: u32) {
        if depth == 0 {
            return;
        }
        if let Some(product) = branch.get("product") {
            self.add(product);
        }
        items(branch, "branches").for_each(|inner| self.branch(inner, depth - 1));
    }

    fn add(&mut self, product: &Value) {
        let Some(id) = text(product, "product_id") else { return };
        let helper = product.get("product_identification_helper").unwrap_or(&Value::Null);
        let several = items(helper, "purls").filter_map(Value::as_str);
        let purls = text(helper, "purl").into_iter().chain(several).map(str::to_owned).collect();
        let hashes = items(helper, "hashes").flat_map(|file| items(file, "file_hashes"));
        let digests = hashes.filter_map(|hash| Some(digest(text(hash, "algorithm")?, text(hash, "value")?))).collect();
        self.whole.insert(id.to_owned(), VexProduct { purls, digests, parts: Vec::new() });
    }

    /// A product, or both readings of one that was made by a relationship: where the containing product has no package
    /// URL (a distribution, say), the part stands for itself.
    fn get(&self, id: &str) -> Option<VexProduct> {
        let named = |product: &&VexProduct| !product.purls.is_empty() || !product.digests.is_empty();
        let Some((part, whole)) = self.parts.get(id) else { return self.whole.get(id).filter(named).cloned() };
        let part = self.whole.get(part).filter(named)?;
        match self.whole.get(whole).filter(named) {
            Some(whole) => Some(VexProduct { parts: part.purls.clone(), ..whole.clone() }),
            None => Some(part.clone()),
        }
    }
}
