//! Which gems of a `Gemfile` are for development only, as far as its plain statements tell: it is a Ruby program, and what
//! it computes is not known. A gem that any statement asks for without a group, or for another group, is for the product.

use std::collections::BTreeMap;

/// Groups that are not installed where the product runs.
const ASIDE: [&str; 2] = ["development", "test"];

/// Gems by name, with whether all statements about them are for development.
pub(super) fn for_development(gemfile: &str) -> BTreeMap<String, bool> {
    let mut gems: BTreeMap<String, bool> = BTreeMap::new();
    // What each open block says of groups.
    let mut blocks: Vec<Option<Vec<String>>> = Vec::new();
    for line in gemfile.lines() {
        let code = without_comment(line).trim();
        let word = code.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
        let rest = code.get(word.len()..).unwrap_or_default();
        match word {
            "end" => {
                blocks.pop();
            }
            "gem" => {
                let Some(name) = quoted(rest) else { continue };
                let own = option_groups(rest);
                let groups = own.as_ref().or_else(|| blocks.iter().rev().find_map(Option::as_ref));
                let aside = groups.is_some_and(|groups| {
                    !groups.is_empty() && groups.iter().all(|group| ASIDE.contains(&group.as_str()))
                });
                *gems.entry(name.to_owned()).or_insert(true) &= aside;
            }
            _ if opens(word, code) && !code.ends_with(" end") => blocks.push((word == "group").then(|| symbols(rest))),
            _ => {}
        }
    }
    // A block that seems not to end may have taken in gems that are not in it.
    if blocks.is_empty() { gems } else { BTreeMap::new() }
}

fn opens(word: &str, code: &str) -> bool {
    let is_block = code.ends_with(" do") || code.contains(" do |") || code == "begin";
    is_block || matches!(word, "if" | "unless" | "case" | "while" | "until" | "def" | "class" | "module" | "begin")
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '#') => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

fn quoted(text: &str) -> Option<&str> {
    let from = text.find(['"', '\''])?;
    let quote = text.get(from..)?.chars().next()?;
    text.get(from + 1..)?.split_once(quote).map(|(name, _)| name)
}

/// `:development, "test"`: names of groups, until options begin.
fn symbols(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(['(', ' ']).split(" do").next().unwrap_or_default();
    let each = text.split(',').map(|part| part.trim().trim_matches(['(', ')', '[', ']', ' ']));
    let named = each.take_while(|part| part.starts_with([':', '"', '\'']) && !part.contains("=>"));
    named.map(|part| part.trim_matches([':', '"', '\'']).to_owned()).collect()
}

/// `group: :test`, `groups: [:development, :test]`, `:group => :test`.
fn option_groups(text: &str) -> Option<Vec<String>> {
    let key = ["groups:", "group:", ":groups =>", ":group =>"];
    let (_, rest) = key.iter().find_map(|key| text.split_once(key))?;
    let rest = rest.trim_start();
    match rest.strip_prefix('[') {
        Some(list) => Some(symbols(list.split(']').next().unwrap_or_default())),
        None => Some(symbols(rest.split(',').next().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::for_development;

    #[test]
    fn groups_of_all_forms() {
        let gems = for_development(
            "source 'https://registry.example' # gem 'no'
gem 'always', '~> 1'
gem \"opt\", group: :test
gem 'opts', groups: [:development, :test], require: false
gem 'old', :group => :development
gem 'prod', group: :production
group :development, :test do
  gem 'block'
  platforms :ruby do
    gem 'inner'
  end
  if ENV['X']
    gem 'conditional'
  end
  gem 'always'
end
group :test, optional: true do
  gem('paren')
end
group(:assets) { }
group :staging, :test do
  gem 'both'
end
gem 'after'
",
        );
        let aside: Vec<&str> = gems.iter().filter(|(_, aside)| **aside).map(|(name, _)| name.as_str()).collect();
        assert_eq!(aside, ["block", "conditional", "inner", "old", "opt", "opts", "paren"]);
        assert_eq!(gems.len(), 11);
        let one_line = for_development("group :test do\n  if a then gem 'x' end\nend\ngem 'y'");
        assert!(!one_line["y"]);
        assert!(for_development("group :test do\nif odd\nend\ngem 'y'").is_empty());
    }
}
