//! Small XML files, read whole: their elements by local name, whatever the namespace.
//! Does not live here: what the elements mean.

use assay_model::problem::Problem;
use roxmltree::{Document, Node, ParsingOptions};

use crate::part::{LIMIT, corrupt};

/// Elements, attributes and texts in one file. The largest known manifests have some ten thousand.
const NODES: u32 = 2_000_000;

/// Attributes of one element. Each is compared with all before it.
const ATTRIBUTES: usize = 500;

/// # Errors
/// `corrupt` when it is no XML, `limit` for an element with very many attributes. Document types are not accepted: manifests have none, attacks do.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    if has_many_attributes(text) {
        return Err(Problem::invalid(LIMIT, format!("an element has more than {ATTRIBUTES} attributes")));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| corrupt(format!("no XML: {error}")))
}

/// Whether some element may have more attributes than are believed: their values begin with quotes behind `=`, and `<` is
/// in none of them.
fn has_many_attributes(text: &str) -> bool {
    let begins_value = |rest: &str| rest.trim_start().starts_with(['"', '\'']);
    text.split('<').any(|tag| tag.split('=').skip(1).filter(|rest| begins_value(rest)).nth(ATTRIBUTES).is_some())
}

/// The child elements of this name.
pub(crate) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The first child element of this name.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The text of the first child element of this name, trimmed; none if empty.
pub(crate) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    own_text(child(node, name)?)
}

/// The text directly in an element, comments left out, trimmed; none if empty.
pub(crate) fn own_text(node: Node<'_, '_>) -> Option<String> {
    let text: String = node.children().filter(Node::is_text).filter_map(|part| part.text()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
