//! Objects from files: YAML documents that name their kind, and folders with `policy.yaml` and `policy.rego`.

use super::object::{Kind, Object};
use crate::cli::text;
use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Largest file, bytes.
const MAX_FILE: u64 = 4 << 20;
/// Most files of one run.
const MAX_FILES: usize = 20_000;
/// Folders within folders.
const MAX_DEPTH: usize = 16;

/// All objects of these files and folders.
///
/// # Errors
/// Everything that is wrong, each with its file and line.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Object>> {
    let mut files = Vec::new();
    for path in paths {
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        walk(path, 0, &mut files)?;
    }
    let mut objects: Vec<(PathBuf, Object)> = Vec::new();
    let mut wrong = Vec::new();
    for file in files {
        for object in objects_of(&file) {
            let object = match object {
                Ok(object) => object,
                Err(error) => {
                    wrong.push(format!("{}: {error:#}", file.display()));
                    continue;
                }
            };
            if let Some((other, _)) = objects.iter().find(|(_, known)| known.is(&object)) {
                let (kind, name) = (object.kind.word(), &object.name);
                wrong.push(format!("{kind} {name} is there twice: in {} and {}", other.display(), file.display()));
            }
            objects.push((file.clone(), object));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(objects.into_iter().map(|(_, object)| object).collect())
}

fn walk(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    if files.len() > MAX_FILES || depth > MAX_DEPTH {
        bail!("{} has more than {MAX_FILES} files, or folders more than {MAX_DEPTH} deep", path.display());
    }
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let listed = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut entries = listed.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = entry.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if !hidden && (yaml || entry.is_dir()) {
            walk(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    text::read(path, MAX_FILE, "")
}

fn parsed(yaml: &str) -> Result<Vec<Value>> {
    serde_saphyr::from_multiple(yaml).map_err(|e| {
        anyhow::anyhow!("{}", e.to_string().lines().next().unwrap_or_default().trim_start_matches("error: "))
    })
}

fn objects_of(file: &Path) -> Vec<Result<Object>> {
    let whole = match text(file).and_then(|whole| parsed(&whole).map(|_| whole)) {
        Ok(whole) => whole,
        Err(error) => return vec![Err(error)],
    };
    let here = file.parent().unwrap_or(Path::new("."));
    let mut objects = Vec::new();
    for (line, yaml) in documents(&whole) {
        match parsed(&yaml) {
            Ok(values) => objects.extend(values.into_iter().filter(|value| !value.is_null()).map(|value| {
                let what = what(&value);
                object(value, file, here).map_err(|error| placed(&error, &what, line, &yaml))
            })),
            Err(error) => objects.push(Err(error.context(format!("in the document at line {line}")))),
        }
    }
    objects
}

/// The documents of a file, each with the line at which it begins, from 1. A line of three hyphens ends one wherever it is.
fn documents(whole: &str) -> Vec<(usize, String)> {
    let mut documents: Vec<(usize, String)> = Vec::new();
    for (at, line) in whole.lines().enumerate() {
        let parts = line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if let (Some(rest), true) = (parts, documents.iter().any(|(_, yaml)| !yaml.starts_with('%'))) {
            documents.push((at + 1, format!("{rest}\n")));
        } else if let Some((_, yaml)) = documents.last_mut() {
            yaml.push_str(line);
            yaml.push('\n');
        } else {
            documents.push((at + 1, format!("{line}\n")));
        }
    }
    documents
}

/// What a document calls itself.
fn what(document: &Value) -> String {
    let word = |field: &str| document.get(field).and_then(Value::as_str);
    match (word("kind"), word("name")) {
        (Some(kind), Some(name)) => format!("{kind} {name}: "),
        (Some(only), None) | (None, Some(only)) => format!("{only}: "),
        (None, None) => String::new(),
    }
}

/// The line of the field that an error names, or else that of the document.
fn placed(error: &anyhow::Error, what: &str, begin: usize, yaml: &str) -> anyhow::Error {
    let message = format!("{error:#}");
    let named = message.split('`').nth(1).unwrap_or_default();
    let value = message.split('"').nth(1).unwrap_or_default();
    let says = |line: &str| {
        let (key, said) = line.split_once(':').unwrap_or((line, ""));
        let key = key.trim_start_matches(['-', ' ', '{']).trim_matches(['"', '\'']);
        !named.is_empty() && key == named || !value.is_empty() && said.trim().trim_matches(['"', '\'']) == value
    };
    let first = yaml.lines().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let at = yaml.lines().position(says).or(first).unwrap_or(0);
    anyhow::anyhow!("line {}: {what}{message}", begin + at)
}

fn object(document: Value, file: &Path, here: &Path) -> Result<Object> {
    let Value::Object(mut fields) = document else { bail!("a document is a map with `kind` and `name`") };
    let of_policy = file.file_stem().is_some_and(|stem| stem == "policy") && here.join("policy.rego").is_file();
    let kind = match fields.remove("kind") {
        Some(Value::String(word)) => Kind::parse(&word)?,
        None if of_policy => Kind::Policy,
        _ => bail!("a document needs its `kind`"),
    };
    if kind == Kind::Policy {
        source(&mut fields, here, of_policy)?;
    }
    if let Some(secrets) = fields.get_mut("secrets") {
        from_environment(secrets)?;
    }
    Object::new(kind, fields)
}

/// The source of a policy is in the document, in a file that it names, or in `policy.rego` beside it. What a folder of
/// the library says of itself besides (`variables`, `title`) is for people.
fn source(fields: &mut Map<String, Value>, here: &Path, beside: bool) -> Result<()> {
    if let Some(named) = fields.remove("rego_file") {
        let name = named.as_str().context("`rego_file` is the name of a file")?;
        fields.insert("rego".into(), json!(text(&here.join(name))?));
    } else if beside && !fields.contains_key("rego") {
        fields.insert("rego".into(), json!(text(&here.join("policy.rego"))?));
    }
    if beside {
        const KNOWN: [&str; 8] =
            ["name", "description", "rego", "precedence", "terminal", "enabled", "on_failure", "actions"];
        fields.retain(|field, _| KNOWN.contains(&field.as_str()));
        let folder = std::path::absolute(here)?.file_name().map(|name| name.to_string_lossy().into_owned());
        fields.entry("name").or_insert_with(|| json!(folder.unwrap_or_default()));
    }
    Ok(())
}

/// `${NAME}` in a secret is the value of a variable of the environment.
fn from_environment(secret: &mut Value) -> Result<()> {
    match secret {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                *text = std::env::var(name).ok().with_context(|| format!("the variable {name} is not set"))?;
            }
            Ok(())
        }
        Value::Object(map) => map.values_mut().try_for_each(from_environment),
        Value::Array(items) => items.iter_mut().try_for_each(from_environment),
        _ => Ok(()),
    }
}
