//! Objects of a server, and what makes them as they are wanted.

use super::{
    Step,
    object::{Kind, Object},
};
use crate::cli::{client::Client, look::harmless, out::note};
use anyhow::{Context as _, Result};
use assay_model::seam::judge::Remark;
use serde_json::{Map, Value, json};

/// What a server says of an object besides what can be set.
const GIVEN: [&str; 5] = ["revision", "created_at", "updated_at", "reads", "slug"];

/// Everything that can be written as a file.
///
/// # Errors
/// When the server does not let us read it.
pub(super) async fn read(client: &Client) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for repository in rows(client, &["repositories"], "repositories").await? {
        let name = text(&repository, "name");
        for upstream in rows(client, &["repositories", &name, "upstreams"], "upstreams").await? {
            let mut fields = only(&upstream, &["name", "format", "priority", "settings"]);
            fields.insert("repository".into(), json!(name));
            objects.push(Object::new(Kind::Upstream, fields)?);
        }
        objects.push(Object::new(Kind::Repository, only(&repository, &["name", "settings"]))?);
    }
    for trusted in rows(client, &["trust"], "trusted").await? {
        let mut fields = only(&trusted, &["name", "pem", "identities", "issuers", "logged", "scope"]);
        fields.insert("type".into(), trusted.get("kind").cloned().unwrap_or_default());
        objects.push(Object::new(Kind::Trust, fields)?);
    }
    for channel in rows(client, &["channels"], "channels").await? {
        let mut fields = only(&channel, &["name", "settings"]);
        fields.insert("type".into(), channel.get("kind").cloned().unwrap_or_default());
        objects.push(Object::new(Kind::Channel, fields)?);
    }
    for mut policy in rows(client, &["policies"], "policies").await? {
        policy.retain(|field, _| !GIVEN.contains(&field.as_str()));
        objects.push(Object::new(Kind::Policy, policy)?);
    }
    for waiver in rows(client, &["waivers"], "waivers").await? {
        if matches!(text(&waiver, "status").as_str(), "requested" | "active") {
            let mut fields = only(&waiver, &["scope", "reason", "expires_at", "vex"]);
            fields.insert("name".into(), json!(text(&waiver, "id")));
            objects.push(Object::new(Kind::Waiver, fields)?);
        }
    }
    Ok(objects)
}

async fn rows(client: &Client, path: &[&str], field: &str) -> Result<Vec<Map<String, Value>>> {
    let mut answer: Value = client.get(path, &[]).await?;
    let rows = answer.get_mut(field).map(Value::take).with_context(|| format!("the server gave no {field}"))?;
    Ok(serde_json::from_value(rows)?)
}

fn only(row: &Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    row.iter().filter(|(field, _)| fields.contains(&field.as_str())).map(|(f, v)| (f.clone(), v.clone())).collect()
}

fn text(row: &Map<String, Value>, field: &str) -> String {
    row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Does what a step says. Secrets go with what is new; into what is there only when that is wanted.
///
/// # Errors
/// Naming the object.
pub(super) async fn carry_out(client: &Client, step: &Step, secrets: bool) -> Result<()> {
    let object = step.object();
    let outcome = match step {
        Step::Create(object) => create(client, object).await,
        Step::Change { now, wanted } => change(client, now, wanted, secrets).await,
        Step::Remove(object) => remove(client, object).await,
    };
    outcome.with_context(|| format!("cannot {} {} {}", step.word(), object.kind.word(), object.name))
}

/// What the API takes, with the secrets that a file names.
fn body(object: &Object) -> Value {
    let mut body = object.spec.clone();
    let name = object.name.rsplit('/').next().filter(|_| object.kind == Kind::Upstream).unwrap_or(&object.name);
    if object.kind != Kind::Waiver {
        body.insert("name".into(), json!(name));
    }
    body.remove("repository");
    if let Some(kind) = body.remove("type") {
        body.insert("kind".into(), kind);
    }
    if let Some(secrets) = &object.secrets {
        body.insert("secrets".into(), secrets.clone());
    }
    Value::Object(body)
}

async fn create(client: &Client, object: &Object) -> Result<()> {
    let body = body(object);
    let made: Value = match object.kind {
        Kind::Repository => client.post(&["repositories"], &body).await,
        Kind::Upstream => client.post(&["repositories", repository(object), "upstreams"], &body).await,
        Kind::Trust => client.post(&["trust"], &body).await,
        Kind::Channel => client.post(&["channels"], &body).await,
        Kind::Policy => client.post(&["policies"], &body).await,
        Kind::Waiver => client.post(&["waivers"], &body).await,
    }?;
    for warning in made.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let remark: Remark = serde_json::from_value(warning.clone())?;
        note(&format!("warning: {} {}: {}", object.kind.word(), object.name, harmless(&remark.to_string())));
    }
    Ok(())
}

fn repository(object: &Object) -> &str {
    object.name.split_once('/').map_or("", |(repository, _)| repository)
}

async fn change(client: &Client, now: &Object, wanted: &Object, secrets: bool) -> Result<()> {
    let settings = wanted.spec.get("settings").cloned().unwrap_or_default();
    match wanted.kind {
        Kind::Repository => client.patch(&["repositories", &wanted.name], &settings).await.map(drop),
        Kind::Upstream if now.spec.get("format") != wanted.spec.get("format") => again(client, now, wanted).await,
        Kind::Upstream => {
            let mut body = only(&wanted.spec, &["priority", "settings"]);
            if let Some(named) = wanted.secrets.as_ref().filter(|_| secrets) {
                body.insert("secrets".into(), named.clone());
            }
            let name = wanted.name.rsplit('/').next().unwrap_or_default();
            let path = ["repositories", repository(wanted), "upstreams", name];
            client.patch(&path, &Value::Object(body)).await.map(drop)
        }
        Kind::Channel if secrets || now.spec.get("type") != wanted.spec.get("type") => again(client, now, wanted).await,
        Kind::Channel => client.patch(&["channels", &wanted.name], &settings).await.map(drop),
        Kind::Policy | Kind::Trust => create(client, wanted).await,
        Kind::Waiver => {
            let same = ["scope", "reason", "vex"].iter().all(|field| now.spec.get(*field) == wanted.spec.get(*field));
            if !same {
                return again(client, now, wanted).await;
            }
            let body = json!({ "expires_at": wanted.spec.get("expires_at"), "reason": "as the files say" });
            client.post(&["waivers", &now.name, "extend"], &body).await.map(drop)
        }
    }
}

/// The new one takes the place of the old one where that cannot be changed.
async fn again(client: &Client, now: &Object, wanted: &Object) -> Result<()> {
    remove(client, now).await?;
    create(client, wanted).await
}

async fn remove(client: &Client, object: &Object) -> Result<()> {
    match object.kind {
        Kind::Repository => Ok(()),
        Kind::Upstream => {
            let name = object.name.rsplit('/').next().unwrap_or_default();
            client.delete(&["repositories", repository(object), "upstreams", name]).await
        }
        Kind::Trust => client.delete(&["trust", &object.name]).await,
        Kind::Channel => client.delete(&["channels", &object.name]).await,
        Kind::Policy => client.delete(&["policies", &slug(&object.name)]).await,
        Kind::Waiver => {
            let body = json!({ "reason": "not among the files" });
            client.post(&["waivers", &object.name, "revoke"], &body).await.map(drop)
        }
    }
}

/// As the server makes it from a name.
fn slug(name: &str) -> String {
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    let parts = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").chars().take(80).collect()
}
