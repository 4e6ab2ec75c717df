//! Walks a path through the table.

use super::{Field, Shape, top};

/// One step of a path: a key that is known, or any key or index.
pub(crate) type Path<'a> = [Option<&'a str>];

/// Where a path leaves what exists.
#[derive(Clone, Debug)]
pub(crate) struct Miss {
    /// Which step does not exist, from 0.
    pub(crate) step: usize,
    /// What was there to step from; none at the version itself.
    pub(crate) at: Vec<Shape>,
}

/// Walks a path below `input`: the first step is the version. A step that cannot be told is taken for one that exists.
pub(crate) fn walk(path: &Path<'_>) -> Result<Vec<Shape>, Miss> {
    let [Some(version), rest @ ..] = path else { return Ok(vec![Shape::Free]) };
    if !matches!(*version, "v0" | "v1") {
        return Err(Miss { step: 0, at: Vec::new() });
    }
    let [Some(name), rest @ ..] = rest else { return Ok(vec![Shape::Free]) };
    let Some(field) = top(version, name) else { return Err(Miss { step: 1, at: Vec::new() }) };
    let mut at = vec![field.shape];
    for (index, step) in rest.iter().enumerate() {
        let next: Vec<Shape> = at.iter().flat_map(|shape| follow(*shape, *step)).collect();
        if next.is_empty() {
            return Err(Miss { step: index + 2, at });
        }
        at = next;
    }
    Ok(at)
}

fn follow(shape: Shape, step: Option<&str>) -> Vec<Shape> {
    let named = |fields: &[Field], key: &str| fields.iter().find(|field| field.name == key).map(|field| field.shape);
    let all = |fields: &[Field]| fields.iter().map(|field| field.shape).collect::<Vec<_>>();
    match (shape, step) {
        (Shape::Free, _) => vec![Shape::Free],
        (Shape::Object(fields), Some(key)) => named(fields, key).into_iter().collect(),
        (Shape::Keyed(fields, item, _), Some(key)) => vec![named(fields, key).unwrap_or(*item)],
        (Shape::List(item), None) => vec![*item],
        (Shape::Object(fields), None) => all(fields),
        (Shape::Keyed(fields, item, _), None) => all(fields).into_iter().chain([*item]).collect(),
        // `set[value]` looks an element of an array up by nothing: only an index does.
        (Shape::List(_), Some(_)) => vec![],
        (_, Some(_)) => vec![],
        // A text walked by a variable is undefined; a policy that walks whatever it meets does so.
        (_, None) => vec![Shape::Free],
    }
}

/// The field of a path that Assay never fills, and how many steps lead to it.
pub(crate) fn empty(path: &Path<'_>) -> Option<(usize, &'static Field)> {
    let [Some(version), Some(name), rest @ ..] = path else { return None };
    let field = top(version, name)?;
    if field.empty {
        return Some((1, field));
    }
    let mut at = field.shape;
    for (index, step) in rest.iter().enumerate() {
        if let (Shape::List(item), None) = (at, step) {
            at = *item;
        }
        let (Shape::Object(fields), Some(key)) = (at, step) else { continue };
        let field = fields.iter().find(|field| field.name == *key)?;
        if field.empty {
            return Some((index + 2, field));
        }
        at = field.shape;
    }
    None
}
