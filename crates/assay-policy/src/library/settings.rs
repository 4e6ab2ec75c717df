//! Settings of a ready policy: constants in a marked block of its module. A value is checked against what the sheet declares
//! and written as a literal, so that no text can become part of the program; the block can be read back.

use super::Sheet;
use assay_model::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Values by the names of settings, as JSON.
pub type Values = BTreeMap<String, Value>;

/// Longest text, in characters.
const MAX_TEXT: usize = 300;
/// Longest list.
const MAX_ENTRIES: usize = 5_000;
const BEGIN: &str = "# settings of ";
const END: &str = "# end of settings";

/// Something that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name of the constant.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its value when nothing is said.
    pub default: Value,
    /// What it means.
    pub about: String,
    /// Whether a list must have an entry for the policy to make sense.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// The words that a word can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
}

/// Type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// A text.
    Text,
    /// One of some words.
    Word,
    /// A set of texts; as text, parted by commas.
    Texts,
    /// Numbers by name; as text, `name=1,other=2`.
    Numbers,
}

impl Type {
    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "whole number",
            Self::Flag => "true or false",
            Self::Text => "text",
            Self::Word => "word",
            Self::Texts => "list",
            Self::Numbers => "numbers by name",
        }
    }
}

impl Setting {
    /// What it can be, for people: `number from 0 to 10`.
    pub fn expects(&self) -> String {
        let kind = self.kind.describe();
        match (self.minimum, self.maximum, self.one_of.as_slice()) {
            (_, _, [_, ..]) => self.one_of.join(" or "),
            (Some(least), Some(most), _) => format!("{kind} from {least} to {most}"),
            (Some(least), None, _) => format!("{kind} from {least}"),
            (None, Some(most), _) => format!("{kind} to {most}"),
            _ => kind.to_owned(),
        }
    }

    /// A value as it is kept: of this type, within its bounds. A text is read as what is typed on a command line.
    ///
    /// # Errors
    /// `Invalid`, saying what is expected.
    pub fn accept(&self, given: &Value) -> Result<Value, Problem> {
        let wrong = |why: String| Problem::invalid("bad-setting", format!("`{}`: {why}", self.name));
        let unfit = || wrong(format!("`{}` is no {}", shown(given), self.expects()));
        match self.kind {
            Type::Number | Type::Integer => self.number(given).map(Value::Number).ok_or_else(unfit),
            Type::Flag => flag(given).map(Value::Bool).ok_or_else(unfit),
            Type::Text => plain(given.as_str().unwrap_or_default()).map(Value::String).ok_or_else(unfit),
            Type::Word => {
                let word = given.as_str().filter(|word| self.one_of.iter().any(|one| one == word));
                word.map(Value::from).ok_or_else(|| wrong(format!("`{}` is not {}", shown(given), self.expects())))
            }
            Type::Texts => {
                let texts = texts(given).ok_or_else(unfit)?;
                if self.required && texts.is_empty() {
                    return Err(wrong(format!("must be set (--set {}=...): {}", self.name, self.about)));
                }
                Ok(texts.into_iter().map(Value::String).collect())
            }
            Type::Numbers => self.numbers(given).map(Value::Object).ok_or_else(unfit),
        }
    }

    fn number(&self, given: &Value) -> Option<Number> {
        let number = match given {
            Value::Number(number) => number.clone(),
            Value::String(text) => {
                let text = text.trim();
                let whole = text.parse::<i64>().ok().map(Number::from);
                whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))?
            }
            _ => return None,
        };
        let value = number.as_f64().filter(|value| value.is_finite() && value.abs() <= 1e12)?;
        let within = self.minimum.is_none_or(|least| value >= least) && self.maximum.is_none_or(|most| value <= most);
        let whole = self.kind != Type::Integer || value.fract() == 0.0;
        (within && whole).then_some(())?;
        // `7.0` is written as `7`, so that the same number always gives the same module.
        #[allow(clippy::cast_possible_truncation, reason = "it has no fraction and is small")]
        let plain = if value.fract() == 0.0 { Number::from(value as i64) } else { number };
        Some(plain)
    }

    fn numbers(&self, given: &Value) -> Option<Map<String, Value>> {
        let pairs: Vec<(String, Value)> = match given {
            Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            Value::String(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let pair = |part: &str| part.split_once('=').map(|(name, value)| (name.trim().into(), value.into()));
                parts.map(pair).collect::<Option<_>>()?
            }
            _ => return None,
        };
        if pairs.len() > MAX_ENTRIES {
            return None;
        }
        pairs.into_iter().map(|(name, value)| Some((plain(&name)?, Value::Number(self.number(&value)?)))).collect()
    }
}

/// A value as a person typed it.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn flag(given: &Value) -> Option<bool> {
    match given {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.trim() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text of one line.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn texts(given: &Value) -> Option<BTreeSet<String>> {
    let texts: BTreeSet<String> = match given {
        Value::Array(all) => all.iter().map(|one| plain(one.as_str()?)).collect::<Option<_>>()?,
        Value::String(text) => {
            text.split(',').filter(|part| !part.trim().is_empty()).map(plain).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (texts.len() <= MAX_ENTRIES).then_some(texts)
}

impl Sheet {
    /// The values of all settings: what is given, else what was set before, else the default.
    ///
    /// # Errors
    /// `Invalid` for an unknown name, a value that does not fit, or one that must be set and is not.
    pub fn values(&self, given: &Values, before: &Values) -> Result<Values, Problem> {
        if let Some(name) = given.keys().find(|name| !self.settings.iter().any(|one| one.name == **name)) {
            let names: Vec<&str> = self.settings.iter().map(|one| one.name.as_str()).collect();
            let message = format!("`{}` has no setting `{name}`; it has {}", self.name, names.join(", "));
            return Err(Problem::invalid("bad-setting", message));
        }
        let value = |setting: &Setting| {
            let value = given.get(&setting.name).or_else(|| before.get(&setting.name)).unwrap_or(&setting.default);
            Ok((setting.name.clone(), setting.accept(value)?))
        };
        self.settings.iter().map(value).collect()
    }

    /// The values of all settings when nothing is said, where that is allowed or not.
    pub fn defaults(&self) -> Values {
        self.settings.iter().map(|setting| (setting.name.clone(), setting.default.clone())).collect()
    }
}

/// A value as Rego has it.
fn literal(value: &Value) -> String {
    match value {
        Value::Array(all) if all.is_empty() => "set()".into(),
        Value::Array(all) => match all.as_slice() {
            [one] => format!("{{{one}}}"),
            all => format!("{{\n{}}}", all.iter().map(|one| format!("\t{one},\n")).collect::<String>()),
        },
        Value::Object(map) if !map.is_empty() => {
            let pairs = map.iter().map(|(name, value)| format!("\t{}: {value},\n", Value::from(name.as_str())));
            format!("{{\n{}}}", pairs.collect::<String>())
        }
        other => other.to_string(),
    }
}

fn from_literal(text: &str, kind: Type) -> Option<Value> {
    let text = text.trim();
    let list = || Some(text.strip_prefix('{')?.strip_suffix('}')?.trim().trim_end_matches(','));
    let json = match kind {
        Type::Texts if text == "set()" => "[]".to_owned(),
        Type::Texts => format!("[{}]", list()?),
        Type::Numbers => format!("{{{}}}", list()?),
        _ => text.to_owned(),
    };
    serde_json::from_str(&json).ok()
}

/// The block with these values.
fn block(sheet: &Sheet, values: &Values) -> String {
    let definition = |setting: &Setting| {
        let value = values.get(&setting.name).unwrap_or(&setting.default);
        format!("# {}\n{} := {}\n\n", setting.about, setting.name, literal(value))
    };
    format!("{BEGIN}{}\n\n{}{END}", sheet.name, sheet.settings.iter().map(definition).collect::<String>())
}

/// Where the block is, from its first mark to the end of its last.
fn place(rego: &str) -> Option<(usize, usize)> {
    let start = if rego.starts_with(BEGIN) { 0 } else { rego.find(&format!("\n{BEGIN}"))? + 1 };
    let end = start + rego.get(start..)?.find(&format!("\n{END}"))? + 1 + END.len();
    Some((start, end))
}

/// A module with another block; nothing where it has none.
pub(super) fn replace(rego: &str, sheet: &Sheet, values: &Values) -> Option<String> {
    let (start, end) = place(rego)?;
    Some(format!("{}{}{}", rego.get(..start)?, block(sheet, values), rego.get(end..)?))
}

/// Which policy of the library a module was made from.
pub fn origin(rego: &str) -> Option<&str> {
    let (start, end) = place(rego)?;
    rego.get(start..end)?.lines().next()?.strip_prefix(BEGIN).map(str::trim)
}

/// The settings of a module that was made from a policy of the library, as far as the sheet still has them.
///
/// # Errors
/// `Conflict` when somebody edited the block so that it cannot be read.
pub fn read(rego: &str, sheet: &Sheet) -> Result<Values, Problem> {
    let lines = || place(rego).and_then(|(start, end)| rego.get(start..end)).unwrap_or_default().lines();
    let mut values = Values::new();
    for setting in &sheet.settings {
        let prefix = format!("{} := ", setting.name);
        let Some(first) = lines().position(|line| line.starts_with(&prefix)) else { continue };
        let mut text = String::new();
        let value = lines().skip(first).find_map(|line| {
            text.push_str(line.strip_prefix(&prefix).unwrap_or(line));
            from_literal(&text, setting.kind)
        });
        let value = value.and_then(|value| setting.accept(&value).ok());
        let unreadable = || {
            let message = format!(
                "the setting `{}` of the stored policy was edited by hand and cannot be read; give it anew, or start over from the defaults",
                setting.name
            );
            Problem::conflict(message)
        };
        values.insert(setting.name.clone(), value.ok_or_else(unreadable)?);
    }
    Ok(values)
}
