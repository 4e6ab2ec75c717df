//! How the project and what is known of it fare: `scorecard`, `popularity`, `signatures`, `provenance`, `sources`.

use super::value::{list, object, text, time};
use assay_model::{
    facts::Facts,
    health::{Freshness, Popularity, Signature, Similar},
};
use regorus::{Value, value::Object};

fn count(value: Option<u64>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// `scorecard`; null when no result is known.
pub(super) fn scorecard(facts: &Facts) -> Value {
    let Some(card) = &facts.scorecard else { return Value::Null };
    let checks = card.checks.iter().map(|(name, score)| (Value::from(name.as_str()), Value::from(*score)));
    object([
        ("repository", Value::from(card.repository.as_str())),
        ("score", Value::from(card.score)),
        ("checks", checks.collect::<Object>().into_value()),
        ("date", Value::from(card.date.as_str())),
    ])
}

/// `popularity`.
pub(super) fn popularity(facts: &Facts) -> Value {
    let standing = &facts.popularity;
    let own = standing.own.as_ref();
    object([
        ("known", Value::from(standing.known)),
        ("rank", count(own.map(|own| u64::from(own.rank)))),
        ("downloads", count(own.and_then(|own| own.downloads))),
        ("similar", list(standing.similar.iter().map(similar))),
    ])
}

fn similar(similar: &Similar) -> Value {
    let Popularity { name, rank, downloads, .. } = &similar.popular;
    object([
        ("name", Value::from(name.as_str())),
        ("rank", Value::from(u64::from(*rank))),
        ("downloads", count(*downloads)),
        ("distance", Value::from(u64::from(similar.distance))),
    ])
}

/// `signatures`.
pub(super) fn signatures(facts: &Facts) -> Value {
    list(facts.signatures.iter().map(signature))
}

/// `provenance`: statements about how it was built.
pub(super) fn provenance(facts: &Facts) -> Value {
    list(facts.signatures.iter().filter(|signature| signature.kind == "provenance").map(signature))
}

fn signature(signature: &Signature) -> Value {
    object([
        ("kind", Value::from(signature.kind.as_str())),
        ("form", Value::from(signature.form.as_str())),
        ("path", Value::from(signature.path.as_str())),
        ("verified", signature.verified.map_or(Value::Null, Value::from)),
        ("signer", text(signature.signer.as_deref())),
        ("issuer", text(signature.issuer.as_deref())),
        ("predicate_type", text(signature.predicate_type.as_deref())),
        ("builder", text(signature.builder.as_deref())),
        ("source", text(signature.source.as_deref())),
        ("commit", text(signature.commit.as_deref())),
        ("detail", text(signature.detail.as_deref())),
    ])
}

/// `sources`.
pub(super) fn sources(facts: &Facts) -> Value {
    list(facts.freshness.iter().map(freshness))
}

fn freshness(freshness: &Freshness) -> Value {
    object([
        ("id", Value::from(freshness.source.as_str())),
        ("synced_at", time(freshness.synced_at)),
        ("stale", Value::from(freshness.stale)),
    ])
}
