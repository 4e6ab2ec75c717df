//! Signers sign, forgers forge: what holds, what does not, and why.

use crate::Signatures;
use assay_model::{
    Digest,
    health::Signature,
    seam::trust::Verifier,
    trust::{Evidence, Held, Layout, Seal, TrustKind, TrustScope, Trusted},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use signing::{Authority, Certified, Signer};
use std::collections::BTreeMap;

// The makers of the end-to-end tests; leaves do not depend on the crate that has them.
#[path = "../../assay-testkit/src/make/signing.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared with other tests")]
mod signing;

const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const SLSA: &str = "https://slsa.dev/provenance/v1";

fn trusted(name: &str, kind: TrustKind, pem: &str) -> Trusted {
    let shown = Signatures.fingerprint(kind, pem).unwrap();
    Trusted {
        name: name.into(),
        kind,
        pem: pem.into(),
        identities: if kind == TrustKind::Authority { vec!["*@corp.example".into()] } else { Vec::new() },
        issuers: Vec::new(),
        logged: false,
        scope: TrustScope::default(),
        fingerprint: shown.fingerprint,
        algorithm: shown.algorithm,
        added_by: String::new(),
        added_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn key(name: &str, signer: &Signer) -> Trusted {
    trusted(name, TrustKind::Key, &signer.pem())
}

fn authority(of: &Authority) -> Trusted {
    trusted("corp", TrustKind::Authority, of.pem())
}

fn held(layout: Layout, documents: &[&[u8]]) -> (Held, BTreeMap<Digest, Vec<u8>>) {
    let documents: Vec<(Digest, Vec<u8>)> = documents.iter().map(|bytes| (Digest::of(bytes), bytes.to_vec())).collect();
    let held = Held {
        layout,
        path: "here".into(),
        about: None,
        place: None,
        documents: documents.iter().map(|(digest, _)| digest.clone()).collect(),
        subjects: vec![format!("sha256:{HEX}")],
    };
    (held, documents.into_iter().collect())
}

fn read(layout: Layout, documents: &[&[u8]]) -> Vec<Evidence> {
    let (held, documents) = held(layout, documents);
    Signatures.read(&held, &documents)
}

/// A manifest with one layer.
fn manifest(kind: &str, layer: &[u8], annotations: &Value) -> Vec<Evidence> {
    let layers =
        [json!({"mediaType": kind, "digest": Digest::of(layer), "size": layer.len(), "annotations": annotations})];
    let manifest = json!({"schemaVersion": 2, "layers": layers}).to_string();
    read(Layout::Manifest, &[manifest.as_bytes(), layer])
}

fn verify(evidence: &Evidence, trusted: &[&Trusted]) -> Signature {
    let kept: Evidence = serde_json::from_str(&serde_json::to_string(evidence).unwrap()).unwrap();
    assert_eq!(&kept, evidence, "it is kept as it was read");
    checked(std::slice::from_ref(&kept), trusted).remove(0)
}

/// What is about one package, together.
fn checked(evidence: &[Evidence], trusted: &[&Trusted]) -> Vec<Signature> {
    Signatures.ring(trusted.iter().map(|&one| one.clone()).collect()).check(evidence, &|_| true)
}

fn why(evidence: &Evidence, trusted: &[&Trusted]) -> (Option<bool>, String) {
    let found = verify(evidence, trusted);
    assert_eq!((found.verified == Some(true), found.signer.is_some()), (false, false), "{found:?}");
    (found.verified, found.detail.unwrap_or_default())
}

fn cosigned(signer: &Signer, digest: &str) -> Vec<Evidence> {
    let payload = signing::simple_signing("registry.example/app", digest);
    let annotations = json!({"dev.cosignproject.cosign/signature": signer.sign(&payload).unwrap()});
    manifest("application/vnd.dev.cosign.simplesigning.v1+json", &payload, &annotations)
}

#[test]
fn cosign_signs_with_a_key() {
    let (signer, stranger) = (Signer::new().unwrap(), Signer::new().unwrap());
    let [one] = cosigned(&signer, &format!("sha256:{HEX}")).try_into().unwrap();
    assert_eq!((one.kind.as_str(), one.form.as_str()), ("signature", "cosign"));
    let (ours, theirs) = (key("release", &signer), key("stranger", &stranger));
    let found = verify(&one, &[&theirs, &ours]);
    assert_eq!((found.verified, found.signer.as_deref(), found.detail), (Some(true), Some("release"), None));
    assert_eq!(why(&one, &[&theirs]), (Some(false), "no trusted key made it".into()));
    assert_eq!(why(&one, &[]), (None, String::new()), "there is nobody to ask");
    let log = trusted("log", TrustKind::Log, &signer.pem());
    assert_eq!(why(&one, &[&log]).0, None, "the key of a log signs no images");

    let [other] = cosigned(&signer, &format!("sha256:{OTHER}")).try_into().unwrap();
    let (verified, detail) = why(&other, &[&ours]);
    assert!(verified == Some(false) && detail.contains("another image"), "{detail}");
}

#[test]
fn a_changed_payload_does_not_hold() {
    let signer = Signer::new().unwrap();
    let [mut one] = cosigned(&signer, &format!("sha256:{HEX}")).try_into().unwrap();
    let mut payload = STANDARD.decode(&one.message).unwrap();
    payload.push(b' ');
    one.message = STANDARD.encode(payload);
    assert_eq!(why(&one, &[&key("release", &signer)]).0, Some(false));
}

#[test]
fn every_kind_of_key_is_read_and_no_private_one() {
    for pem in KEYS {
        let shown = Signatures.fingerprint(TrustKind::Key, pem).unwrap();
        assert_eq!(shown.fingerprint.len(), 43, "{shown:?}");
    }
    let algorithms: Vec<String> =
        KEYS.iter().map(|pem| Signatures.fingerprint(TrustKind::Key, pem).unwrap().algorithm).collect();
    assert_eq!(algorithms, ["ed25519", "ecdsa-p384", "rsa-2048"]);
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let said = Signatures.fingerprint(TrustKind::Key, &private).unwrap_err().message;
    assert!(said.contains("private"), "{said}");
    let authority = Authority::new().unwrap();
    for wrong in ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", authority.pem()] {
        assert!(Signatures.fingerprint(TrustKind::Key, wrong).is_err(), "{wrong}");
    }
    assert!(Signatures.fingerprint(TrustKind::Authority, KEYS[0]).is_err());
}

#[test]
fn signatures_by_other_tools_hold() {
    for (pem, signature) in KEYS.iter().zip(SIGNED) {
        let layout =
            Layout::Registry { message: "signed by openssl".into(), signatures: vec![(None, (*signature).into())] };
        let [one] = read(layout, &[]).try_into().unwrap();
        let by = trusted("openssl", TrustKind::Key, pem);
        assert_eq!(verify(&one, &[&by]).verified, Some(true), "{}", by.algorithm);
        let other = Evidence { message: STANDARD.encode("signed by nobody"), ..one };
        assert_eq!(why(&other, &[&by]).0, Some(false), "{}", by.algorithm);
    }
}

#[test]
fn a_registry_names_its_key() {
    let (signer, next) = (Signer::new().unwrap(), Signer::new().unwrap());
    let message = "left@1.0.0:sha512-abc";
    let layout = |id: String| Layout::Registry {
        message: message.into(),
        signatures: vec![(Some(id), signer.sign(message.as_bytes()).unwrap())],
    };
    let [one] = read(layout(signer.npm_id()), &[]).try_into().unwrap();
    let (old, new) = (key("npm-1", &signer), key("npm-2", &next));
    assert_eq!(verify(&one, &[&new, &old]).signer.as_deref(), Some("npm-1"));
    let (verified, detail) = why(&one, &[&new]);
    assert!(verified == Some(false) && detail.contains(&signer.npm_id()), "{detail}");
    let [one] = read(layout(next.npm_id()), &[]).try_into().unwrap();
    assert_eq!(why(&one, &[&new, &old]).0, Some(false), "under the name of a key that did not make it");
}

fn built(hex: &str) -> Vec<u8> {
    let predicate = signing::provenance("https://build.example/runner", "https://git.example/corp/app", "c0ffee");
    signing::statement(SLSA, "app", ("sha256", hex), &predicate)
}

#[test]
fn provenance_is_read_and_held_against_its_subject() {
    let signer = Signer::new().unwrap();
    let ours = key("builder", &signer);
    let envelope = |hex: &str| signing::envelope(&signer, &built(hex)).unwrap().to_string();
    let kind = "application/vnd.dsse.envelope.v1+json";
    let [one] = manifest(kind, envelope(HEX).as_bytes(), &Value::Null).try_into().unwrap();
    let found = verify(&one, &[&ours]);
    assert_eq!((found.kind.as_str(), found.form.as_str(), found.verified), ("provenance", "dsse", Some(true)));
    assert_eq!(found.source.as_deref(), Some("git.example/corp/app"));
    assert_eq!(
        (found.builder.as_deref(), found.commit.as_deref()),
        (Some("https://build.example/runner"), Some("c0ffee"))
    );
    let [other] = manifest(kind, envelope(OTHER).as_bytes(), &Value::Null).try_into().unwrap();
    assert!(why(&other, &[&ours]).1.contains("something else"));
    let [bare] = manifest("application/vnd.in-toto+json", &built(HEX), &Value::Null).try_into().unwrap();
    assert_eq!((bare.kind.as_str(), why(&bare, &[&ours])), ("provenance", (Some(false), "nobody signed it".into())));
}

#[test]
fn older_provenance_says_the_same_in_other_words() {
    let signer = Signer::new().unwrap();
    let predicate = json!({
        "builder": {"id": "https://build.example/old"},
        "invocation": {"configSource": {"uri": "git+https://user@git.example/corp/app.git@refs/tags/v1", "digest": {"sha1": "f00"}}},
        "materials": [{"uri": "git+https://git.example/corp/other", "digest": {"sha1": "bad"}}],
    });
    let statement = signing::statement("https://slsa.dev/provenance/v0.2", "app", ("sha256", HEX), &predicate);
    let envelope = signing::envelope(&signer, &statement).unwrap().to_string();
    let [one] =
        manifest("application/vnd.dsse.envelope.v1+json", envelope.as_bytes(), &Value::Null).try_into().unwrap();
    assert_eq!(
        (one.builder.as_deref(), one.source.as_deref(), one.commit.as_deref()),
        (Some("https://build.example/old"), Some("git.example/corp/app"), Some("f00"))
    );
}

fn bundled(by: &Certified, log: Option<&Signer>) -> Evidence {
    let bundle = signing::bundle(by, &built(HEX), log).unwrap().to_string();
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let [one] = manifest(kind, bundle.as_bytes(), &Value::Null).try_into().unwrap();
    one
}

#[test]
fn an_identity_counts_where_its_authority_is_trusted_for_it() {
    let (corp, others) = (Authority::new().unwrap(), Authority::new().unwrap());
    let ann = corp.certify("ann@corp.example", "https://login.example").unwrap();
    let one = bundled(&ann, None);
    let ours = authority(&corp);
    let found = verify(&one, &[&ours]);
    assert_eq!((found.verified, found.signer.as_deref()), (Some(true), Some("ann@corp.example")), "{found:?}");
    assert_eq!(found.issuer.as_deref(), Some("https://login.example"));

    assert_eq!(why(&one, &[]).0, None);
    assert_eq!(why(&one, &[&key("key", &ann.signer)]).0, None, "a key says nothing of certificates");
    assert!(why(&one, &[&authority(&others)]).1.contains("not by corp"));
    let narrow = Trusted { identities: vec!["ben@corp.example".into()], ..ours.clone() };
    assert!(why(&one, &[&narrow]).1.contains("ann@corp.example is not among"));
    let issued = Trusted { issuers: vec!["https://other.example".into()], ..ours.clone() };
    assert!(why(&one, &[&issued]).1.contains("https://login.example vouches"));
    let web = corp.certify_for("ann@corp.example", "x", rcgen::ExtendedKeyUsagePurpose::ServerAuth).unwrap();
    assert!(why(&bundled(&web, None), &[&ours]).1.contains("not by corp"), "a certificate for other things");
    let ci = corp.certify("https://git.example/corp/app/ci", "x").unwrap();
    let jobs = Trusted { identities: vec!["https://git.example/corp/*".into()], ..ours };
    assert_eq!(verify(&bundled(&ci, None), &[&jobs]).verified, Some(true));
}

#[test]
fn another_key_than_the_certificates_does_not_hold() {
    let corp = Authority::new().unwrap();
    let ann = corp.certify("ann@corp.example", "x").unwrap();
    let forged = Certified { signer: Signer::new().unwrap(), der: ann.der.clone(), pem: ann.pem.clone() };
    assert!(why(&bundled(&forged, None), &[&authority(&corp)]).1.contains("did not make it"));
}

#[test]
fn a_log_promises_when_it_was_signed() {
    let (corp, log, forger) = (Authority::new().unwrap(), Signer::new().unwrap(), Signer::new().unwrap());
    let ann = corp.certify("ann@corp.example", "x").unwrap();
    let ours = Trusted { logged: true, ..authority(&corp) };
    let known = trusted("log", TrustKind::Log, &log.pem());
    let one = bundled(&ann, Some(&log));
    assert_eq!(verify(&one, &[&ours, &known]).verified, Some(true));
    assert!(why(&one, &[&ours]).1.contains("no log is trusted"));
    assert!(why(&bundled(&ann, None), &[&ours, &known]).1.contains("no entry"));
    assert!(why(&bundled(&ann, Some(&forger)), &[&ours, &known]).1.contains("no trusted log"));
    // A promise about another signature, and one that was given when the certificate had ended.
    let mut other = one.clone();
    other.seals[0].log.clone_from(&bundled(&ann, Some(&log)).seals[0].log);
    assert!(why(&other, &[&ours, &known]).1.contains("no trusted log"));
    let bundle = signing::bundle(&ann, &built(HEX), None).unwrap();
    let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap();
    let mut late = bundle.clone();
    late["verificationMaterial"]["tlogEntries"] = json!([log.promise(signature, signing::VALID.1 + 60).unwrap()]);
    let list = json!({"attestations": [{"bundle": late}]}).to_string();
    let [late] = read(Layout::Bundles, &[list.as_bytes()]).try_into().unwrap();
    assert!(why(&late, &[&ours, &known]).1.contains("not by corp"));
}

#[test]
fn publishers_of_python_packages_attest() {
    let (corp, log) = (Authority::new().unwrap(), Signer::new().unwrap());
    let ci = corp.certify("ci@corp.example", "https://login.example").unwrap();
    let publish = "https://index.example/attestations/publish/v1";
    let said = |kind: &str, hex: &str| signing::statement(kind, "app-1.0.tar.gz", ("sha256", hex), &Value::Null);
    let attest = |kind: &str, hex: &str| signing::attestation(&ci, &said(kind, hex), &log).unwrap();
    let document = json!({"version": 1, "attestation_bundles": [
        {"publisher": {}, "attestations": [attest(publish, HEX), attest(SLSA, HEX), attest(publish, OTHER)]}]});
    let found = read(Layout::Attestations, &[document.to_string().as_bytes()]);
    let ours = authority(&corp);
    let seen: Vec<_> = found.iter().map(|one| (one.kind.as_str(), verify(one, &[&ours]).verified)).collect();
    assert_eq!(seen, [("signature", Some(true)), ("provenance", Some(true)), ("signature", Some(false))]);
    assert!(found.iter().all(|one| one.form == "pep740" && one.path == "here"));
}

#[test]
fn what_is_damaged_is_there_and_does_not_hold() {
    let ours = key("k", &Signer::new().unwrap());
    let simple = "application/vnd.dev.cosign.simplesigning.v1+json";
    for (kind, layer) in [
        (simple, &b"not json"[..]),
        (simple, b"{}"),
        ("application/vnd.dsse.envelope.v1+json", b"{}"),
        ("application/vnd.dsse.envelope.v1+json", b"["),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", b"[]"),
        ("application/vnd.in-toto+json", b"{}"),
    ] {
        let [one] = manifest(kind, layer, &Value::Null).try_into().unwrap();
        assert_ne!(why(&one, &[&ours]).1, "", "{kind}");
        assert!(one.foreign, "{kind}: nothing of it is evidence");
    }
    assert!(manifest("application/octet-stream", b"{}", &Value::Null).is_empty(), "no evidence at all");
    assert!(read(Layout::Manifest, &[b"nonsense"]).is_empty());
    let (absent, _) = held(Layout::Manifest, &[b"{}"]);
    assert!(Signatures.read(&absent, &BTreeMap::new()).is_empty());
}

#[test]
fn what_nobody_checks_is_not_found_to_be_wrong() {
    let [one] = read(Layout::Opaque { form: "openpgp", why: "no verifier" }, &[]).try_into().unwrap();
    assert_eq!(why(&one, &[&key("k", &Signer::new().unwrap())]), (None, "no verifier".into()));
}

/// A statement with seals by strangers, and with a last one by `signer` where there is one.
fn sealed(strangers: usize, signer: Option<&Signer>) -> Evidence {
    let message = b"what is signed";
    let stranger = Signer::new().unwrap();
    let seal = |signer: &Signer| Seal { signature: signer.sign(message).unwrap(), ..Seal::default() };
    let mut seals = vec![seal(&stranger); strangers];
    seals.extend(signer.map(seal));
    Evidence { kind: "signature".into(), message: STANDARD.encode(message), seals, ..Evidence::default() }
}

#[test]
fn what_came_with_one_package_is_checked_up_to_a_bound_for_all_of_it() {
    let signer = Signer::new().unwrap();
    let keys: Vec<Trusted> = (0..499).map(|_| key("other", &Signer::new().unwrap())).collect();
    let ours = key("release", &signer);
    let trusted: Vec<&Trusted> = keys.iter().chain([&ours]).collect();
    // Sixteen strangers before us would cost 8,500 of 10,000 checks; what comes after is beyond the bound.
    let (genuine, long) = (sealed(0, Some(&signer)), sealed(16, Some(&signer)));
    let found = checked(&[genuine.clone(), long.clone(), genuine.clone(), long, genuine.clone()], &trusted);
    let seen: Vec<_> = found.iter().map(|one| one.verified).collect();
    assert_eq!(seen, [Some(true), Some(true), Some(true), None, None], "neither verified nor found to be wrong");
    for one in &found[3..] {
        assert!(one.detail.as_deref().unwrap_or_default().contains("reached its bound"), "{one:?}");
        assert_eq!(one.signer, None);
    }
    // The next package has a bound of its own.
    assert_eq!(checked(&[genuine], &trusted)[0].verified, Some(true));
}

#[test]
fn what_a_key_of_its_kind_cannot_have_made_costs_nothing() {
    let rsa = trusted("rsa", TrustKind::Key, KEYS[2]);
    let others: Vec<&Trusted> = vec![&rsa; 20_000];
    let signer = Signer::new().unwrap();
    let ours = key("release", &signer);
    let trusted: Vec<&Trusted> = others.into_iter().chain([&ours]).collect();
    assert_eq!(checked(&[sealed(0, Some(&signer))], &trusted)[0].verified, Some(true));
}

#[test]
fn large_statements_cost_more() {
    let signer = Signer::new().unwrap();
    let ours = key("release", &signer);
    let message = vec![b'a'; 2 << 20];
    let seal = Seal { signature: signer.sign(&message).unwrap(), ..Seal::default() };
    let one = Evidence { message: STANDARD.encode(&message), seals: vec![seal; 16], ..Evidence::default() };
    let strange = sealed(0, Some(&Signer::new().unwrap()));
    let trusted = trusted("p384", TrustKind::Key, KEYS[1]);
    let wrong = checked(&[one.clone(), one.clone(), one.clone(), strange.clone()], &[&trusted]);
    assert_eq!(wrong.iter().map(|one| one.verified).collect::<Vec<_>>(), [Some(false), Some(false), None, None]);
    assert_eq!(checked(&[one, strange], &[&ours])[0].verified, Some(true));
}

/// Of Ed25519, P-384 and RSA, and what their owners signed with `openssl pkeyutl`/`dgst` (`signed by openssl`).
const KEYS: [&str; 3] = [
    include_str!("../testdata/ed25519.pem"),
    include_str!("../testdata/p384.pem"),
    include_str!("../testdata/rsa.pem"),
];
const SIGNED: [&str; 3] = [
    include_str!("../testdata/ed25519.sig"),
    include_str!("../testdata/p384.sig"),
    include_str!("../testdata/rsa.sig"),
];
