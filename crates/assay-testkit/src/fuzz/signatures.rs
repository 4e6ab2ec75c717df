//! Targets of `assay-signatures`: what comes with packages that somebody signed, certificates in it, and what operators
//! give as keys. What is read is kept and checked without a panic, and nothing of a stranger's holds.

use std::collections::BTreeMap;

use assay_model::seam::trust::Verifier as _;
use assay_model::trust::{Held, Layout, TrustKind, TrustScope, Trusted};
use assay_model::{Digest, trust::Evidence};
use assay_signatures::Signatures;
use serde_json::{Value, json};

use super::Target;
use crate::make::signing::{self, Authority, Certified, Signer};

const SUBJECT: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub(super) fn targets() -> Vec<Target> {
    let Made { authority, by, log } = made(Made::new());
    let statement = |kind: &str, predicate: &Value| {
        signing::statement(kind, "app", ("sha256", SUBJECT.trim_start_matches("sha256:")), predicate)
    };
    let built = statement("https://slsa.dev/provenance/v1", &signing::provenance("b", "https://git.example/a/b", "c"));
    let published = statement("https://index.example/attestations/publish/v1", &Value::Null);
    let payload = signing::simple_signing("registry.example/app", SUBJECT);
    let seed = |value: Value| vec![value.to_string().into_bytes()];
    let bundle = seed(made(signing::bundle(&by, &built, Some(&log))));
    let attested = made(signing::attestation(&by, &published, &log));
    let attested = json!({"version": 1, "attestation_bundles": [{"attestations": [attested]}]});
    let signature = made(by.signer.sign(&payload));
    let annotations =
        json!({"dev.cosignproject.cosign/signature": signature, "dev.sigstore.cosign/certificate": by.pem});
    // Nobody else than this authority is trusted, and whatever holds must be by an identity of it.
    let trusted: &'static [Trusted] =
        Box::leak(Box::new([trust(TrustKind::Authority, authority.pem()), trust(TrustKind::Log, &log.pem())]));
    vec![
        Target::new("signature-bundle", bundle, move |input| check(Layout::Bundles, input, trusted)),
        Target::new("signature-pep740", seed(attested), move |input| check(Layout::Attestations, input, trusted)),
        Target::new("signature-manifest", seed(annotations), move |input| {
            layers(input, trusted);
        }),
        Target::new("signature-envelope", seed(made(signing::envelope(&by.signer, &built))), move |input| {
            layers(input, trusted);
        }),
        Target::new("trust-pem", vec![by.pem.into_bytes(), log.pem().into_bytes()], |input| {
            let pem = String::from_utf8_lossy(input);
            for kind in [TrustKind::Key, TrustKind::Authority, TrustKind::Log] {
                if let Ok(shown) = Signatures.fingerprint(kind, &pem) {
                    assert_eq!(shown.fingerprint.len(), 43);
                }
            }
        }),
    ]
}

/// What a maker made. One that fails leaves nothing to begin from, and a target without seeds tests nothing.
#[allow(clippy::panic, reason = "a fuzz target that cannot begin must not look like one that found nothing")]
fn made<T>(made: anyhow::Result<T>) -> T {
    made.unwrap_or_else(|error| panic!("a maker of signatures failed: {error:#}"))
}

struct Made {
    authority: Authority,
    by: Certified,
    log: Signer,
}

impl Made {
    fn new() -> anyhow::Result<Self> {
        let authority = Authority::new()?;
        Ok(Self { by: authority.certify("ann@corp.example", "https://login.example")?, authority, log: Signer::new()? })
    }
}

fn trust(kind: TrustKind, pem: &str) -> Trusted {
    Trusted {
        name: kind.as_str().to_owned(),
        kind,
        pem: pem.to_owned(),
        identities: vec!["*@corp.example".to_owned()],
        issuers: Vec::new(),
        logged: false,
        scope: TrustScope::default(),
        fingerprint: String::new(),
        algorithm: String::new(),
        added_by: String::new(),
        added_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The input as a layer of every kind, and as its annotations.
fn layers(input: &[u8], trusted: &[Trusted]) {
    let annotations: Value = serde_json::from_slice(input).unwrap_or_default();
    for kind in ["simplesigning.v1+json", "dsse.envelope.v1+json", "dev.sigstore.bundle.v0.3+json", "in-toto+json"] {
        let layer = json!({"mediaType": kind, "digest": Digest::of(input), "annotations": annotations});
        let manifest = json!({"layers": [layer]}).to_string().into_bytes();
        checked(Layout::Manifest, &[&manifest, input], trusted);
    }
}

fn check(layout: Layout, input: &[u8], trusted: &[Trusted]) {
    checked(layout, &[input], trusted);
}

fn checked(layout: Layout, documents: &[&[u8]], trusted: &[Trusted]) {
    let documents: Vec<(Digest, Vec<u8>)> = documents.iter().map(|bytes| (Digest::of(bytes), bytes.to_vec())).collect();
    let held = Held {
        layout,
        path: "here".to_owned(),
        about: None,
        place: None,
        documents: documents.iter().map(|(digest, _)| digest.clone()).collect(),
        subjects: vec![SUBJECT.to_owned()],
    };
    let (trusted, nobody) = (Signatures.ring(trusted.to_vec()), Signatures.ring(Vec::new()));
    for one in Signatures.read(&held, &documents.into_iter().collect::<BTreeMap<_, _>>()) {
        let kept = serde_json::to_string(&one).and_then(|text| serde_json::from_str::<Evidence>(&text));
        assert!(kept.is_ok_and(|kept| kept == one));
        let ours = trusted.check(std::slice::from_ref(&one), &|_| true);
        assert_eq!(ours.len(), 1);
        let is_hers = |signer: Option<&str>| signer == Some("ann@corp.example");
        assert!(ours.iter().all(|found| found.verified != Some(true) || is_hers(found.signer.as_deref())));
        let unknown = nobody.check(std::slice::from_ref(&one), &|_| true);
        assert!(unknown.iter().all(|found| found.verified != Some(true)), "nobody is trusted");
    }
}
