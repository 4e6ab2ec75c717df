//! Searching names (`/-/v1/search`).

use super::super::{names::Name, render};
use crate::kit::path::Query;
use assay_model::{
    Problem,
    seam::format::{Reply, Repo},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Results given when the client does not say, at most, and the furthest that a client can page.
const SIZE: usize = 20;
const MOST: usize = 250;
const FURTHEST: usize = 10_000;

/// Names looked through when there are several words.
const LOOKED_THROUGH: usize = 1000;

pub(super) async fn search(repo: &dyn Repo, query: Option<&str>) -> Result<Reply, Problem> {
    let query = Query::parse(query);
    let number = |name: &str, without: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(without);
    let (size, from) = (number("size", SIZE).min(MOST), number("from", 0).min(FURTHEST));
    let words = words(query.get("text").unwrap_or_default());
    let (names, total) = names(repo, &words, from, size).await?;
    let mut objects: Vec<Value> = Vec::new();
    for name in &names {
        let Ok(parsed) = Name::parse(name) else { continue };
        if let Some(view) = repo.view(name).await? {
            objects.extend(render::found(&view, &parsed));
        }
    }
    let time = Timestamp::now().strftime("%a %b %d %Y %H:%M:%S GMT+0000").to_string();
    Ok(Reply::Answer(render::say(200, &json!({ "objects": objects, "total": total, "time": time }))))
}

/// The words that a name must contain; of qualifiers, a scope says something about names.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter_map(|word| match word.split_once(':') {
            Some(("scope", scope)) => Some(format!("@{}/", scope.trim_start_matches('@'))),
            Some(_) => None,
            None => Some(word.to_lowercase()),
        })
        .collect()
}

async fn names(repo: &dyn Repo, words: &[String], from: usize, size: usize) -> Result<(Vec<String>, usize), Problem> {
    let longest = words.iter().max_by_key(|word| word.len()).map_or("", String::as_str);
    if words.len() <= 1 {
        return repo.search(longest, from, size).await;
    }
    let (mut names, _) = repo.search(longest, 0, LOOKED_THROUGH).await?;
    names.retain(|name| words.iter().all(|word| name.to_lowercase().contains(word)));
    let total = names.len();
    Ok((names.into_iter().skip(from).take(size).collect(), total))
}
