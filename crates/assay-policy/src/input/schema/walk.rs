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

/// A value that a path may lead to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// What it is.
    pub(crate) shape: Shape,
    /// Whether null can stand in its place.
    pub(crate) null: bool,
}

impl At {
    const fn plain(shape: Shape) -> Self {
        Self { shape, null: false }
    }
}

const ANYTHING: At = At::plain(Shape::Free);

/// Walks a path below `input`: the first step is the version. A step that cannot be told is taken for one that exists.
pub(crate) fn walk(path: &Path<'_>) -> Result<Vec<Shape>, Miss> {
    Ok(values(path)?.into_iter().map(|at| at.shape).collect())
}

/// The same, with what may be null.
pub(crate) fn values(path: &Path<'_>) -> Result<Vec<At>, Miss> {
    let [Some(version), rest @ ..] = path else { return Ok(vec![ANYTHING]) };
    if !matches!(*version, "v0" | "v1") {
        return Err(Miss { step: 0, at: Vec::new() });
    }
    let [Some(name), rest @ ..] = rest else { return Ok(vec![ANYTHING]) };
    let Some(field) = top(version, name) else { return Err(Miss { step: 1, at: Vec::new() }) };
    let mut at = vec![field.at()];
    for (index, step) in rest.iter().enumerate() {
        let next: Vec<At> = at.iter().flat_map(|at| follow(at.shape, *step)).collect();
        if next.is_empty() {
            return Err(Miss { step: index + 2, at: at.into_iter().map(|at| at.shape).collect() });
        }
        at = next;
    }
    Ok(at)
}

fn follow(shape: Shape, step: Option<&str>) -> Vec<At> {
    let named = |fields: &[Field], key: &str| fields.iter().find(|field| field.name == key).map(Field::at);
    let all = |fields: &[Field]| fields.iter().map(Field::at).collect::<Vec<_>>();
    match (shape, step) {
        (Shape::Free, _) => vec![ANYTHING],
        (Shape::Object(fields), Some(key)) => named(fields, key).into_iter().collect(),
        (Shape::Keyed(fields, item, _), Some(key)) => vec![named(fields, key).unwrap_or(At::plain(*item))],
        (Shape::List(item), None) => vec![At::plain(*item)],
        (Shape::Object(fields), None) => all(fields),
        (Shape::Keyed(fields, item, _), None) => all(fields).into_iter().chain([At::plain(*item)]).collect(),
        // `set[value]` looks an element of an array up by nothing: only an index does.
        (Shape::List(_), Some(_)) => vec![],
        (_, Some(_)) => vec![],
        // A text walked by a variable is undefined; a policy that walks whatever it meets does so.
        (_, None) => vec![ANYTHING],
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
