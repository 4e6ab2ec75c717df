//! A small reader of our own pages: what a person reads, and whether the HTML is sound.

use std::collections::BTreeSet;

const VOID: [&str; 6] = ["meta", "link", "img", "input", "br", "rect"];

/// Text and tags of a page, in order.
enum Piece<'a> {
    Text(&'a str),
    Open(&'a str, &'a str),
    Close(&'a str),
}

fn pieces(html: &str) -> Vec<Piece<'_>> {
    let (mut all, mut rest) = (Vec::new(), html.strip_prefix("<!doctype html>").expect("a doctype"));
    while let Some(at) = rest.find('<') {
        all.push(Piece::Text(&rest[..at]));
        let end = at + rest[at..].find('>').expect("an open tag without end");
        let tag = &rest[at + 1..end];
        match tag.strip_prefix('/') {
            Some(name) => all.push(Piece::Close(name)),
            None => {
                let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
                all.push(Piece::Open(name, attributes));
            }
        }
        rest = &rest[end + 1..];
    }
    all
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let padded = attributes.find(&format!("{name}=\""))?;
    let alone = padded == 0 || attributes.as_bytes()[padded - 1] == b' ';
    alone.then(|| attributes[padded + name.len() + 2..].split('"').next().unwrap_or_default())
}

/// What a person reads in the main part, one line per block.
pub(super) fn read(html: &str) -> String {
    let (mut text, mut inside) = (String::new(), false);
    for piece in pieces(html) {
        match piece {
            Piece::Open("main", _) => inside = true,
            Piece::Close("main") => inside = false,
            Piece::Text(t) if inside => text.push_str(&t.replace('\n', " ")),
            Piece::Open("p" | "h1" | "h2" | "h3" | "h4" | "tr" | "li" | "dt" | "pre" | "caption" | "summary", _) => {
                text.push('\n');
            }
            Piece::Open("td" | "th" | "dd" | "br", _) => text.push_str(" | "),
            _ => {}
        }
    }
    let unescaped = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'");
    let squeezed = unescaped.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    squeezed.filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Checks what every page must keep: balanced tags, one title and first heading, no gap in the order of headings, unique
/// ids that labels and descriptions find, captions and scopes, and nothing inline that the content policy would stop.
pub(super) fn sound(html: &str) {
    let (mut open, mut ids, mut wanted) = (Vec::new(), BTreeSet::new(), Vec::new());
    let (mut heading, mut firsts, mut tables, mut captions) = (0, 0, 0, 0);
    let (mut labels, mut fields) = (BTreeSet::new(), Vec::new());
    for piece in pieces(html) {
        match piece {
            Piece::Text(_) => {}
            Piece::Close(name) => assert_eq!(open.pop(), Some(name), "tags are not balanced"),
            Piece::Open(name, attributes) => {
                if !VOID.contains(&name) || name == "rect" {
                    open.push(name);
                }
                if let Some(id) = attribute(attributes, "id") {
                    assert!(ids.insert(id), "two elements have the id {id}");
                }
                for other in ["aria-labelledby", "aria-describedby"] {
                    wanted.extend(attribute(attributes, other).into_iter().flat_map(str::split_whitespace));
                }
                assert!(attribute(attributes, "style").is_none(), "a style inside <{name}>");
                assert!(!attributes.split(' ').any(|a| a.starts_with("on")), "a script inside <{name} {attributes}>");
                match name {
                    "html" => assert_eq!(attribute(attributes, "lang"), Some("en")),
                    "img" => assert!(attribute(attributes, "alt").is_some()),
                    "script" => assert!(attribute(attributes, "src").is_some()),
                    "table" => tables += 1,
                    "caption" => captions += 1,
                    "th" => assert!(attribute(attributes, "scope").is_some()),
                    "label" => drop(labels.insert(attribute(attributes, "for").expect("a label for nothing"))),
                    "input" if attributes.contains("hidden") => {}
                    "input" | "select" => fields.push(attribute(attributes, "id").expect("a field without id")),
                    "h1" | "h2" | "h3" | "h4" => {
                        let level = name[1..].parse::<i32>().unwrap();
                        assert!(level <= heading + 1, "<{name}> after <h{heading}>");
                        heading = level;
                        firsts += i32::from(level == 1);
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are left open");
    assert_eq!((firsts, tables), (1, captions), "one h1; a caption for each table");
    assert!(fields.iter().all(|f| labels.contains(f)), "a field of {fields:?} has no label");
    assert!(wanted.iter().all(|w| ids.contains(w)), "one of {wanted:?} is missing");
    assert!(html.contains("<title>") && html.contains("<meta name=\"viewport\""));
}
