//! Comparisons that say nothing: a field against a value of a kind that it never has, or against a word that it never is.
//! They are the same for every package, so a policy with one is silent for ever, or speaks of everything. Whether a path
//! exists is `paths`; what a name may stand for is asked there. What cannot be told is not judged, and a name with several
//! meanings is wrong only if all are.

use super::{
    check::near,
    diagnose::Fault,
    paths::{Names, Path, keys},
    safety::parts,
    survey::{dotted, flatten, start},
};
use crate::input::schema::{At, Field, Shape, values, written};
use assay_model::seam::judge::Remark;
use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, Module, Query, Rule, RuleHead};
use std::collections::BTreeMap;

/// Looks at every comparison and every condition of a module.
pub(super) fn check(module: &Module, names: &Names<'_>, faults: &mut Vec<Fault>) -> Vec<Remark> {
    let mut look = Look { names, constants: constants(module), scope: 0, faults, warnings: Vec::new() };
    for (scope, rule) in module.policy.iter().enumerate() {
        look.scope = scope;
        look.rule(rule);
    }
    look.warnings
}

/// Rules that are written out: `limit := 7`, `grave := {"HIGH", "CRITICAL"}`. One that is defined twice is none.
fn constants(module: &Module) -> BTreeMap<String, &Expr> {
    let mut found: BTreeMap<String, Vec<Option<&Expr>>> = BTreeMap::new();
    for rule in &module.policy {
        let (name, value) = match &**rule {
            Rule::Spec { head: RuleHead::Compr { refr, assign: Some(assign), .. }, bodies, .. } => {
                let plain = bodies.iter().all(|body| body.query.stmts.is_empty());
                (dotted(refr), plain.then_some(&*assign.value))
            }
            Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. }
            | Rule::Spec { head: RuleHead::Func { refr, .. }, .. }
            | Rule::Default { refr, .. } => (dotted(refr), None),
        };
        if let Some(name) = name {
            found.entry(name).or_default().push(value);
        }
    }
    let once = found.into_iter().filter_map(|(name, values)| match values.as_slice() {
        [Some(value)] => Some((name, *value)),
        _ => None,
    });
    once.collect()
}

/// What a value is, as far as comparing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Object,
    Array,
}

impl Kind {
    fn of(shape: Shape) -> Option<Self> {
        match shape {
            Shape::Text | Shape::Time | Shape::Word(_) => Some(Self::Text),
            Shape::Whole | Shape::Number => Some(Self::Number),
            Shape::Flag => Some(Self::Flag),
            Shape::Object(_) | Shape::Keyed(..) => Some(Self::Object),
            Shape::List(_) => Some(Self::Array),
            Shape::Free => None,
        }
    }

    const fn named(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Object => "an object",
            Self::Array => "an array",
        }
    }
}

/// A value that is written out.
struct Written<'a> {
    kind: Kind,
    text: &'a str,
    place: (u32, u32),
}

fn plain(expr: &Expr) -> Option<Written<'_>> {
    let (kind, text) = match expr {
        Expr::String { span, value, .. } | Expr::RawString { span, value, .. } => {
            (Kind::Text, value.as_string().map_or_else(|_| span.text(), |text| text.as_ref()))
        }
        Expr::Number { span, .. } => (Kind::Number, span.text()),
        Expr::Bool { span, .. } => (Kind::Flag, span.text()),
        Expr::UnaryExpr { span, expr, .. } if matches!(**expr, Expr::Number { .. }) => (Kind::Number, span.text()),
        _ => return None,
    };
    let (line, column) = start(expr);
    // the place of a text is that of its first letter
    Some(Written { kind, text, place: (line, column.saturating_sub(u32::from(kind == Kind::Text))) })
}

struct Look<'a> {
    names: &'a Names<'a>,
    constants: BTreeMap<String, &'a Expr>,
    scope: usize,
    faults: &'a mut Vec<Fault>,
    warnings: Vec<Remark>,
}

/// How two values are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Same,
    Other,
    Order,
}

impl<'a> Look<'a> {
    fn rule(&mut self, rule: &'a Rule) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        match head {
            RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
                assign.iter().for_each(|assign| self.expr(&assign.value));
            }
            RuleHead::Set { key, .. } => key.iter().for_each(|key| self.expr(key)),
        }
        for body in bodies {
            body.assign.iter().for_each(|assign| self.expr(&assign.value));
            self.query(&body.query);
        }
    }

    fn query(&mut self, query: &'a Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::Expr { expr, .. } => {
                    self.condition(expr, false);
                    self.expr(expr);
                }
                Literal::NotExpr { expr, .. } => {
                    self.condition(expr, true);
                    self.expr(expr);
                }
                Literal::SomeIn { collection, .. } => self.expr(collection),
                Literal::Every { domain, query, .. } => {
                    self.expr(domain);
                    self.query(query);
                }
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expr(term);
                return self.query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expr(key);
                self.expr(value);
                return self.query(query);
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let how = match op {
                    BoolOp::Eq => How::Same,
                    BoolOp::Ne => How::Other,
                    _ => How::Order,
                };
                self.both(lhs, rhs, how);
            }
            Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => self.both(lhs, rhs, How::Same),
            Expr::Membership { value, collection, .. } => self.member(value, collection),
            _ => {}
        }
        parts(expr).into_iter().for_each(|part| self.expr(part));
    }

    fn both(&mut self, lhs: &'a Expr, rhs: &'a Expr, how: How) {
        for (field, value) in [(lhs, rhs), (rhs, lhs)] {
            if let Some((paths, at)) = self.field(field)
                && let Some(value) = plain(self.constant(value))
            {
                return self.compare(&paths, &at, &value, how, start(field));
            }
        }
    }

    /// `v.severity in {"HIGH", "CRITICAL"}`: each of the values is one that it may have.
    fn member(&mut self, value: &'a Expr, collection: &'a Expr) {
        let Some((paths, at)) = self.field(value) else { return };
        let (Expr::Set { items, .. } | Expr::Array { items, .. }) = self.constant(collection) else { return };
        for item in items.iter().filter_map(|item| plain(item)) {
            self.compare(&paths, &at, &item, How::Same, start(value));
        }
    }

    /// A name that stands for what is written out elsewhere.
    fn constant(&self, expr: &'a Expr) -> &'a Expr {
        let Some((name, steps)) = flatten(expr) else { return expr };
        let known = steps.is_empty() && !self.names.is_local(self.scope, &name);
        self.constants.get(&name).copied().filter(|_| known).unwrap_or(expr)
    }

    /// What an expression may be; nothing where that is not known.
    fn field(&self, expr: &Expr) -> Option<(Vec<Path>, Vec<At>)> {
        let (root, steps) = flatten(expr)?;
        let starts = self.names.starts(self.scope, &root)?;
        let paths: Vec<Path> = starts.iter().map(|begin| begin.iter().chain(&steps).cloned().collect()).collect();
        // A path that is wrong is told elsewhere.
        let mut at = Vec::new();
        for path in paths.iter().filter(|path| path.len() > 1) {
            at.extend(values(&keys(path)).ok()?);
        }
        (!at.is_empty() && paths.iter().all(|path| path.len() > 1)).then_some((paths, at))
    }

    fn compare(&mut self, paths: &[Path], at: &[At], value: &Written<'_>, how: How, place: (u32, u32)) {
        let Some(kinds) = at.iter().map(|at| Kind::of(at.shape)).collect::<Option<Vec<Kind>>>() else { return };
        let Some(path) = paths.first().map(|path| written(&keys(path))) else { return };
        let Some(kind) = kinds.first().copied() else { return };
        if !kinds.contains(&value.kind) {
            let says = match how {
                How::Same => "they are never equal",
                How::Other => "they always differ",
                How::Order => "their order says nothing",
            };
            let shown = if value.kind == Kind::Text { format!("{:?}", value.text) } else { value.text.to_owned() };
            let hint = at.first().map(|at| instead(at.shape, value)).unwrap_or_default();
            let message = format!("`{path}` is {} and `{shown}` {}: {says}{hint}", kind.named(), value.kind.named());
            self.faults.push(Fault::at(place, message).coded("rego_type_error"));
            return;
        }
        let words = at.iter().map(|at| if let Shape::Word(words) = at.shape { Some(words) } else { None });
        if let Some(words) = words.collect::<Option<Vec<&[&str]>>>() {
            let words: Vec<&str> = words.concat();
            self.word(&path, &words, value, how);
        }
    }

    fn word(&mut self, path: &str, words: &[&str], value: &Written<'_>, how: How) {
        if how == How::Order {
            let message =
                format!("words are ordered as in a dictionary: write `{path} in {{...}}` with those that are meant");
            return self.warn(value.place, "order_of_words", message);
        }
        if words.contains(&value.text) {
            return;
        }
        let meant = words.iter().copied().find(|word| word.eq_ignore_ascii_case(value.text));
        let meant = meant.or_else(|| near(&value.text.to_ascii_uppercase(), words.iter().copied()));
        let meant = meant.or_else(|| near(&value.text.to_ascii_lowercase(), words.iter().copied()));
        let all = || words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let hint =
            meant.map_or_else(|| format!("it is one of {}", all()), |word| format!("did you mean `\"{word}\"`?"));
        let message = format!("`{path}` is never `{:?}`; {hint}", value.text);
        // The words of `v0` are another's contract, which may know more of them than are written here.
        if meant.is_none() && path.starts_with("input.v0") {
            self.warn(value.place, "unknown_word", message);
        } else {
            self.faults.push(Fault::at(value.place, message).coded("unknown_word"));
        }
    }

    /// A field that stands for itself: null is not false, so the statement holds without a value as well.
    fn condition(&mut self, expr: &Expr, negated: bool) {
        let Some((paths, at)) = self.field(expr) else { return };
        if !at.iter().all(|at| at.null) {
            return;
        }
        let Some(path) = paths.first().map(|path| written(&keys(path))) else { return };
        let name = flatten(expr).map(|(root, steps)| shown(&root, &steps)).unwrap_or_default();
        let flag = at.iter().all(|at| matches!(at.shape, Shape::Flag));
        let (says, write) = match (negated, flag) {
            (false, false) => ("this holds without one too", format!("{name} != null")),
            (false, true) => ("this holds where it is not known too", format!("{name} == true")),
            (true, false) => ("this never holds where it is null", format!("{name} == null")),
            (true, true) => ("this does not hold where it is null", format!("{name} != true")),
        };
        let message = format!("`{path}` can be null, and null is not false: {says}; write `{write}`");
        self.warn(start(expr), "null_is_not_false", message);
    }

    fn warn(&mut self, (line, column): (u32, u32), code: &str, message: String) {
        self.warnings.push(Remark { line, column, code: code.into(), message });
    }
}

fn shown(root: &str, steps: &[super::survey::Step]) -> String {
    let steps: Vec<Option<&str>> = keys(steps);
    written(&steps).replacen("input", root, 1)
}

/// What to write instead.
fn instead(shape: Shape, value: &Written<'_>) -> String {
    let fitting = |field: &&Field| Kind::of(field.shape) == Some(value.kind);
    let of = |fields: &'static [Field]| fields.iter().filter(fitting).map(|field| field.name).collect::<Vec<_>>();
    match (shape, value.kind) {
        (Shape::Object(fields), _) => match of(fields).as_slice() {
            [] => String::new(),
            [one] => format!("; did you mean its `{one}`?"),
            several => format!("; compare one of its fields: {}", several.join(", ")),
        },
        (Shape::Keyed(_, _, key), _) => format!("; it has a value for each {key}, write `some {key}, x in` for them"),
        (Shape::List(item), kind) if Kind::of(*item) == Some(kind) => {
            "; write `in` to ask whether it is among them".to_owned()
        }
        (Shape::List(_), Kind::Number) => "; compare its size, `count(...)`".to_owned(),
        (Shape::List(_), _) => "; write `some x in` for its elements".to_owned(),
        (Shape::Whole | Shape::Number | Shape::Flag, Kind::Text) => {
            let fits = match shape {
                Shape::Flag => matches!(value.text, "true" | "false"),
                _ => value.text.parse::<f64>().is_ok(),
            };
            if fits { format!("; write `{}` without quotes", value.text) } else { String::new() }
        }
        (Shape::Text, Kind::Number | Kind::Flag) => format!("; write `\"{}\"`, or `to_number` first", value.text),
        _ => String::new(),
    }
}
