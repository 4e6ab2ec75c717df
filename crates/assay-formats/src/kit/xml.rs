//! Small XML documents, read whole: their elements by local name, whatever the namespace, and bounded.

use assay_model::Problem;
use roxmltree::{Document, Node, ParsingOptions};

/// Largest document, in bytes.
pub(crate) const DOCUMENT: usize = 8 << 20;

/// Elements, attributes and texts of one document.
const NODES: u32 = 400_000;

/// Attributes of one element; the parser compares each with all before it.
const ATTRIBUTES: usize = 200;

/// Elements within elements; the parser goes as deep as they do.
const DEPTH: usize = 200;

/// # Errors
/// `Invalid` with code `bad-xml` when it is no XML, has a document type, or passes a limit.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let bad = |why: String| Problem::invalid("bad-xml", why);
    let text = text.trim_start_matches('\u{feff}');
    if text.len() > DOCUMENT {
        return Err(bad(format!("the document is larger than {DOCUMENT} bytes")));
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in text.split('<').skip(1) {
        let values = tag.split('=').skip(1).filter(|rest| rest.trim_start().starts_with(['"', '\'']));
        if values.count() > ATTRIBUTES {
            return Err(bad(format!("an element has more than {ATTRIBUTES} attributes")));
        }
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !tag.starts_with(['!', '?']) && !tag.split('>').next().is_some_and(|head| head.ends_with('/')) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    if deepest > DEPTH {
        return Err(bad(format!("elements are nested deeper than {DEPTH}")));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| bad(format!("the document is no XML: {error}")))
}

/// The first child element of this name.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The elements `item` within the first child element `list`.
pub(crate) fn items<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    list: &str,
    item: &'a str,
) -> impl Iterator<Item = Node<'a, 'i>> + 'a {
    let list = child(node, list);
    list.into_iter().flat_map(|list| list.children()).filter(move |node| node.tag_name().name() == item)
}

/// The text directly in an element, comments left out, trimmed; none if empty.
pub(crate) fn own_text(node: Node<'_, '_>) -> Option<String> {
    let text: String = node.children().filter(Node::is_text).filter_map(|part| part.text()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text of the first child element of this name.
pub(crate) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    own_text(child(node, name)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{child, items, parse, text};
    use proptest::prelude::*;

    #[test]
    fn elements_are_found_by_their_local_name() {
        let document =
            parse("\u{feff}<a xmlns='urn:x'><b> one <!-- not this --></b><l><i>1</i><j/><i>2</i></l></a>").unwrap();
        let root = document.root_element();
        assert_eq!(text(root, "b").as_deref(), Some("one"));
        assert!(child(root, "c").is_none());
        let found: Vec<_> = items(root, "l", "i").filter_map(super::own_text).collect();
        assert_eq!(found, ["1", "2"]);
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
        let wide = format!("<a {}/>", (0..1000).map(|i| format!("x{i}='1' ")).collect::<String>());
        let laughs = "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>".to_owned();
        for bad in [deep, wide, laughs, "<a>".to_owned(), String::new()] {
            assert_eq!(parse(&bad).unwrap_err().code, "bad-xml");
        }
        assert!(parse(&format!("{}{}", "<a>".repeat(150), "</a>".repeat(150))).is_ok());
    }

    proptest! {
        #[test]
        fn anything_is_survived(text in "[<>/!?a='\"& \\[\\]-]{0,200}") {
            let _ = parse(&text);
        }
    }
}
