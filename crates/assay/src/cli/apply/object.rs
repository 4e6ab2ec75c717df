//! One object of a workspace: its kind, its name, and all that can be set of it, with defaults filled in, so that two can
//! be compared.

use anyhow::{Context as _, Result, bail};
use assay_engine::{PolicyDraft, TrustDraft, WaiverDraft};
use assay_model::{channel::ChannelKind, channel::ChannelSettings, repository::Settings, upstream::UpstreamSettings};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// Kinds of object, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Kind {
    /// A repository with its settings
    Repository,
    /// An upstream of a repository
    Upstream,
    /// Somebody who is trusted to sign
    Trust,
    /// A channel that is told what happens
    Channel,
    /// A policy
    Policy,
    /// A waiver
    Waiver,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Repository, Self::Upstream, Self::Trust, Self::Channel, Self::Policy, Self::Waiver];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Upstream => "upstream",
            Self::Trust => "trust",
            Self::Channel => "channel",
            Self::Policy => "policy",
            Self::Waiver => "waiver",
        }
    }

    pub(super) fn parse(word: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.word() == word);
        known.with_context(|| format!("there is no kind `{word}`; use {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    /// Unique within its kind; `repository/name` for an upstream, the id of a stored waiver.
    pub(super) name: String,
    /// Everything that can be set, apart from secrets.
    pub(super) spec: Map<String, Value>,
    /// Secrets that a file names; never read from a server.
    pub(super) secrets: Option<Value>,
}

impl Object {
    /// From what a file or a server says of it.
    pub(super) fn new(kind: Kind, mut fields: Map<String, Value>) -> Result<Self> {
        let secrets = fields.remove("secrets").filter(|secrets| !secrets.is_null());
        let mut name = match fields.remove("name") {
            Some(Value::String(name)) => name,
            None if kind == Kind::Waiver => String::new(),
            _ => bail!("a {} needs a name", kind.word()),
        };
        if kind == Kind::Upstream {
            let repository =
                fields.get("repository").and_then(Value::as_str).context("an upstream needs its repository")?;
            name = format!("{repository}/{name}");
        }
        let spec = complete(kind, &name, fields)?;
        Ok(Self { kind, name, spec, secrets })
    }

    /// Whether both are the same object.
    pub(super) fn is(&self, other: &Self) -> bool {
        let slug = |name: &str| name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.kind == other.kind
            && match self.kind {
                Kind::Waiver => {
                    self.name == other.name && !self.name.is_empty()
                        || (self.spec.get("scope"), self.spec.get("reason"))
                            == (other.spec.get("scope"), other.spec.get("reason"))
                }
                Kind::Policy => slug(&self.name) == slug(&other.name),
                _ => self.name == other.name,
            }
    }

    pub(super) fn differs(&self, wanted: &Self) -> bool {
        self.compared() != wanted.compared()
    }

    /// What is looked at to tell whether something is to be done. The address of some channels is a secret.
    fn compared(&self) -> Map<String, Value> {
        let mut spec = self.spec.clone();
        let kind = spec.get("type").and_then(Value::as_str).and_then(ChannelKind::parse);
        if kind.is_some_and(ChannelKind::has_secret_address)
            && let Some(settings) = spec.get_mut("settings").and_then(Value::as_object_mut)
        {
            settings.remove("address");
        }
        if self.kind == Kind::Policy {
            spec.insert("name".into(), json!(self.name));
        }
        spec
    }

    pub(super) fn can_be_removed(&self) -> bool {
        self.kind != Kind::Repository
    }

    /// As it stands in a file.
    pub(super) fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("kind".into(), json!(self.kind.word()));
        let name = match self.kind {
            Kind::Upstream => self.name.split_once('/').map_or(self.name.as_str(), |(_, name)| name),
            _ => &self.name,
        };
        document.insert("name".into(), json!(name));
        document.extend(self.spec.clone());
        Value::Object(document)
    }
}

/// Fills in what is not said, and refuses what is not known.
fn complete(kind: Kind, name: &str, mut fields: Map<String, Value>) -> Result<Map<String, Value>> {
    let mut take = |field: &str| fields.remove(field).unwrap_or(Value::Null);
    let spec = match kind {
        Kind::Repository => json!({ "settings": settings::<Settings>(take("settings"), json!({}))? }),
        Kind::Upstream => json!({
            "repository": take("repository"),
            "format": take("format").as_str().context("an upstream needs its format")?,
            "priority": take("priority").as_i64().unwrap_or(100),
            "settings": settings::<UpstreamSettings>(take("settings"), json!({}))?,
        }),
        Kind::Channel => {
            let word = take("type").as_str().unwrap_or_default().to_owned();
            let known = ChannelKind::parse(&word).with_context(|| {
                format!("`type` of a channel is {}", ChannelKind::ALL.map(ChannelKind::as_str).join(", "))
            })?;
            json!({ "type": known, "settings": settings::<ChannelSettings>(take("settings"), json!({}))? })
        }
        Kind::Trust => {
            let mut draft = std::mem::take(&mut fields);
            draft.insert("name".into(), json!(name));
            if let Some(said) = draft.remove("type") {
                draft.insert("kind".into(), said);
            }
            let mut draft: TrustDraft = serde_json::from_value(Value::Object(draft))?;
            draft.pem = draft.pem.trim().to_owned() + "\n";
            let kind = draft.kind;
            let mut spec = serde_json::to_value(draft)?;
            if let Some(spec) = spec.as_object_mut() {
                spec.remove("name");
                spec.remove("kind");
                spec.insert("type".into(), json!(kind));
            }
            spec
        }
        Kind::Policy => {
            let mut draft = std::mem::take(&mut fields);
            draft.insert("name".into(), json!(name));
            if let Some(Value::Array(actions)) = draft.get_mut("actions") {
                actions.iter_mut().try_for_each(typed)?;
            }
            let draft: PolicyDraft = serde_json::from_value(Value::Object(draft))?;
            assay_model::seam::judge::Judge::check(&assay_policy::RegoJudge::default(), &draft.rego)
                .map_err(|faults| anyhow::anyhow!("in its Rego: {faults}"))?;
            let mut spec = serde_json::to_value(draft)?;
            spec.as_object_mut().map(|spec| spec.remove("name"));
            spec
        }
        Kind::Waiver => {
            let end = fields.get("expires_at").filter(|end| !end.is_null());
            if let Some(end) = end.filter(|end| end.as_str().is_none_or(|end| end.parse::<Timestamp>().is_err())) {
                let end = end.as_str().map_or_else(|| end.to_string(), str::to_owned);
                bail!("`expires_at` is `{end}`; write a time in UTC such as 2027-03-01T00:00:00Z");
            }
            let draft: WaiverDraft = serde_json::from_value(Value::Object(std::mem::take(&mut fields)))?;
            serde_json::to_value(draft)?
        }
    };
    if let Some(unknown) = fields.keys().next() {
        bail!("a {} has no `{unknown}`", kind.word());
    }
    spec.as_object().cloned().context("an object is a map")
}

/// An action that is written as on the command line becomes one with parameters.
fn typed(action: &mut Value) -> Result<()> {
    let parsed = match &*action {
        Value::String(text) => assay_policy::parse_shorthand(text)?,
        other => assay_policy::normalise(&serde_json::from_value(other.clone())?)?,
    };
    *action = serde_json::to_value(parsed)?;
    Ok(())
}

/// Settings with defaults for what is not said.
fn settings<S: Serialize + DeserializeOwned>(said: Value, nothing: Value) -> Result<Value> {
    let default = serde_json::to_value(serde_json::from_value::<S>(nothing)?)?;
    let known: Vec<String> = default.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    let said = if said.is_null() { json!({}) } else { said };
    if let Some(unknown) = said.as_object().and_then(|map| map.keys().find(|key| !known.contains(*key))) {
        bail!("there is no setting `{unknown}`; known are {}", known.join(", "));
    }
    Ok(serde_json::to_value(serde_json::from_value::<S>(said)?)?)
}
