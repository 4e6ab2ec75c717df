//! A survey of a parsed policy: every reference and every call, with the rule it stands in. What it means for facts is
//! in `reads`, what it means for evaluation order in `graph`.

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module, Query, Ref, Rule, RuleAssign, RuleHead, Span};
use std::collections::{BTreeMap, BTreeSet};

/// One step of a reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A known key.
    Key(String),
    /// Any key or index.
    Any,
}

/// A step with its line and column.
type Placed = (Step, (u32, u32));

/// The names of a function's arguments in one of its definitions; none for a pattern.
type Parameters = (usize, Vec<Option<String>>);

/// What becomes of the value of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It may be used whole.
    Whole,
    /// Only its size is taken.
    Counted,
    /// It gets a name.
    Named(String),
    /// Its elements get a name, one after the other.
    EachNamed(String),
}

/// A reference.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    /// The rule it stands in.
    pub(super) rule: String,
    /// Its first part.
    pub(super) root: String,
    /// The rest.
    pub(super) steps: Vec<Step>,
    /// Where each of `steps` stands.
    pub(super) places: Vec<(u32, u32)>,
    /// Number of the definition it stands in: names are local to one.
    pub(super) scope: usize,
    /// What becomes of it.
    pub(super) used: Use,
    /// Line and column.
    pub(super) place: (u32, u32),
}

/// A reference without what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    /// The definition it stands in.
    pub(super) scope: usize,
    /// Its first part.
    pub(super) root: String,
    /// The rest.
    pub(super) steps: Vec<Step>,
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The rule it stands in.
    pub(super) rule: String,
    /// The function, dotted.
    pub(super) name: String,
    /// Arguments that are plain strings.
    pub(super) literals: Vec<Option<String>>,
    /// Arguments that are plain references.
    pub(super) arguments: Vec<Option<Plain>>,
    /// Line and column.
    pub(super) place: (u32, u32),
}

/// Everything a module mentions.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// References.
    pub(super) references: Vec<Reference>,
    /// Calls.
    pub(super) calls: Vec<Call>,
    /// Names that are local to a rule, by rule.
    pub(super) locals: BTreeMap<String, BTreeSet<String>>,
    /// All rules by name: whether each takes arguments, and where it first stands.
    pub(super) rules: BTreeMap<String, (bool, (u32, u32))>,
    /// Names of a definition whose value is not a plain reference, at least once.
    pub(super) opaque: BTreeSet<(usize, String)>,
    /// Names of a definition.
    pub(super) declared: BTreeSet<(usize, String)>,
    /// Arguments of functions, by function: the names of each definition.
    pub(super) parameters: BTreeMap<String, Vec<Parameters>>,
    /// Values of rules without arguments, for each definition; none where it is not a plain reference.
    pub(super) values: BTreeMap<String, Vec<Option<Plain>>>,
    /// Where something other than a written number has a minus in front.
    pub(super) negated: Vec<(u32, u32)>,
    /// Whether a rule is evaluated with another input.
    pub(super) replaces_input: bool,
    /// Whether a `with` puts something else in the place of a rule or a function.
    pub(super) replaces_rules: bool,
    rule: String,
    scope: usize,
}

/// Surveys a module.
pub(super) fn survey(module: &Module) -> Survey {
    let mut survey = Survey::default();
    for (scope, rule) in module.policy.iter().enumerate() {
        survey.scope = scope;
        survey.rule(rule);
    }
    survey
}

/// The dotted name of a plain reference such as `data.cloudsmith`; `None` when it has a computed part.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    let (root, steps) = flatten(expr)?;
    steps.into_iter().try_fold(root, |name, step| match step {
        Step::Key(key) => Some(format!("{name}.{key}")),
        Step::Any => None,
    })
}

fn place(span: &Span) -> (u32, u32) {
    (span.line, span.col)
}

/// Where a reference begins: a dotted one's own place is that of its last dot.
pub(super) fn start(expr: &Expr) -> (u32, u32) {
    let mut at = expr;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
        at = refr;
    }
    place(at.span())
}

/// A reference's first part and steps; `None` when it does not begin with a name.
pub(super) fn flatten(expr: &Expr) -> Option<(String, Vec<Step>)> {
    let (root, steps) = flatten_placed(expr)?;
    Some((root, steps.into_iter().map(|(step, _)| step).collect()))
}

/// The same with the place of each step.
fn flatten_placed(expr: &Expr) -> Option<(String, Vec<Placed>)> {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Var { span, .. } => {
                steps.reverse();
                return Some((span.text().to_owned(), steps));
            }
            Expr::RefDot { refr, field, .. } => {
                steps.push((Step::Key(field.0.text().to_owned()), place(&field.0)));
                at = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                steps.push((literal(index).map_or(Step::Any, Step::Key), place(index.span())));
                at = refr;
            }
            _ => return None,
        }
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| text.as_ref().to_owned())
        }
        _ => None,
    }
}

fn variable(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        _ => None,
    }
}

impl Survey {
    fn local(&mut self, name: &str) {
        self.locals.entry(self.rule.clone()).or_default().insert(name.to_owned());
        self.declared.insert((self.scope, name.to_owned()));
    }

    /// A name gets a value that is not followed.
    fn hide(&mut self, name: &str) {
        self.opaque.insert((self.scope, name.to_owned()));
    }

    fn plain(&self, expr: &Expr) -> Option<Plain> {
        let (root, steps) = flatten(expr)?;
        Some(Plain { scope: self.scope, root, steps })
    }

    /// A name gets the value of an expression, or of its elements; whether that can be followed.
    fn named(&mut self, name: &str, expr: &Expr) {
        self.local(name);
        if flatten(expr).is_none() {
            self.hide(name);
        }
    }

    /// Every variable of a pattern is local.
    fn pattern(&mut self, expr: &Expr) {
        match expr {
            Expr::Var { span, .. } => {
                self.local(span.text());
                self.hide(span.text());
            }
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| self.pattern(value)),
            _ => {}
        }
    }

    fn begin(&mut self, refr: &Expr, function: bool) {
        self.rule = flatten(refr).map(|(root, _)| root).unwrap_or_default();
        let entry = self.rules.entry(self.rule.clone()).or_insert((function, place(refr.span())));
        entry.0 |= function;
        // The computed parts of a head (`scores[id]`) are expressions of the rule.
        let mut at = refr;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
            if let Expr::RefBrack { index, .. } = at {
                self.expr(index, Use::Whole);
            }
            at = refr;
        }
    }

    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Default { refr, args, value, .. } => {
                self.begin(refr, !args.is_empty());
                if args.is_empty() {
                    let plain = self.plain(value).filter(|_| variable(refr).is_some());
                    // A default that is written out says nothing about the rule's other values.
                    if plain.is_some()
                        || !matches!(**value, Expr::Null { .. } | Expr::Bool { .. } | Expr::Number { .. })
                    {
                        self.values.entry(self.rule.clone()).or_default().push(plain);
                    }
                }
                args.iter().for_each(|arg| self.pattern(arg));
                self.expr(value, Use::Whole);
            }
            Rule::Spec { head, bodies, .. } => {
                self.head(head, bodies.len());
                for body in bodies {
                    self.assign(body.assign.as_ref());
                    self.query(&body.query);
                }
            }
        }
    }

    fn head(&mut self, head: &RuleHead, bodies: usize) {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.begin(refr, false);
                let value = assign.as_ref().and_then(|assign| self.plain(&assign.value));
                let value = value.filter(|_| variable(refr).is_some() && bodies <= 1);
                self.values.entry(self.rule.clone()).or_default().push(value);
                self.assign(assign.as_ref());
            }
            RuleHead::Set { refr, key, .. } => {
                self.begin(refr, false);
                self.values.entry(self.rule.clone()).or_default().push(None);
                if let Some(key) = key {
                    self.expr(key, Use::Whole);
                }
            }
            RuleHead::Func { refr, args, assign, .. } => {
                self.begin(refr, true);
                let names: Vec<Option<String>> = args.iter().map(|arg| variable(arg)).collect();
                for (arg, name) in args.iter().zip(&names) {
                    match name {
                        Some(name) => self.local(name),
                        None => self.pattern(arg),
                    }
                }
                self.parameters.entry(self.rule.clone()).or_default().push((self.scope, names));
                self.assign(assign.as_ref());
            }
        }
    }

    fn assign(&mut self, assign: Option<&RuleAssign>) {
        if let Some(assign) = assign {
            self.expr(&assign.value, Use::Whole);
        }
    }

    fn query(&mut self, query: &Query) {
        query.stmts.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        for modifier in &statement.with_mods {
            let input = flatten(&modifier.refr).is_some_and(|(root, _)| root == "input");
            self.replaces_input |= input;
            self.replaces_rules |= !input;
            self.expr(&modifier.refr, Use::Whole);
            self.expr(&modifier.r#as, Use::Whole);
        }
        match &statement.literal {
            Literal::SomeVars { vars, .. } => vars.iter().for_each(|var| self.local(var.text())),
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr, Use::Whole),
            Literal::SomeIn { key, value, collection, .. } => {
                if let Some(key) = key {
                    self.binding(key);
                }
                let used = self.each(value, collection);
                self.expr(collection, used);
            }
            Literal::Every { key, value, domain, query, .. } => {
                if let Some(key) = key {
                    self.local(key.text());
                    self.hide(key.text());
                }
                self.named(value.text(), domain);
                self.expr(domain, Use::EachNamed(value.text().to_owned()));
                self.query(query);
            }
        }
    }

    /// A pattern that binds: a plain name is not a use of it.
    fn binding(&mut self, expr: &Ref<Expr>) {
        self.pattern(expr);
        if variable(expr).is_none() {
            self.expr(expr, Use::Whole);
        }
    }

    fn each(&mut self, value: &Ref<Expr>, collection: &Expr) -> Use {
        match variable(value) {
            Some(name) => {
                self.named(&name, collection);
                Use::EachNamed(name)
            }
            None => {
                self.binding(value);
                Use::Whole
            }
        }
    }

    fn all<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Ref<Expr>>) {
        exprs.into_iter().for_each(|expr| self.expr(expr, Use::Whole));
    }

    fn expr(&mut self, expr: &Expr, used: Use) {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr, used),
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.all(items),
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| self.all([key, value])),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.all([term]);
                self.query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.all([key, value]);
                self.query(query);
            }
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr: operand, .. } => {
                if !matches!(**operand, Expr::Number { .. }) {
                    self.negated.push(place(expr.span()));
                }
                self.all([operand]);
            }
            Expr::BinExpr { lhs, rhs, .. } | Expr::BoolExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
                self.all([lhs, rhs]);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => self.assignment(op, lhs, rhs),
            Expr::Membership { key, value, collection, .. } => {
                self.all(key);
                self.all([value, collection]);
            }
            _ => {}
        }
    }

    fn assignment(&mut self, op: &AssignOp, lhs: &Ref<Expr>, rhs: &Ref<Expr>) {
        match variable(lhs) {
            Some(name) if *op == AssignOp::ColEq => self.named(&name, rhs),
            Some(name) if flatten(rhs).is_none() => self.hide(&name),
            _ if *op == AssignOp::ColEq => self.pattern(lhs),
            _ => {}
        }
        if let (None, Some(name), AssignOp::Eq) = (flatten(lhs), variable(rhs), op) {
            self.hide(&name);
        }
        match (variable(lhs), variable(rhs)) {
            (Some(name), _) => self.expr(rhs, Use::Named(name)),
            (None, Some(name)) if *op == AssignOp::Eq => self.expr(lhs, Use::Named(name)),
            _ => self.all([lhs, rhs]),
        }
    }

    fn reference(&mut self, expr: &Expr, used: Use) {
        let mut at = expr;
        loop {
            match at {
                Expr::RefBrack { refr, index, .. } => {
                    self.expr(index, Use::Whole);
                    at = refr;
                }
                Expr::RefDot { refr, .. } => at = refr,
                Expr::Var { .. } => break,
                // `f(x).field`, `[...][_]`: what it begins with is an expression of its own.
                other => return self.expr(other, Use::Whole),
            }
        }
        if let Some((root, placed)) = flatten_placed(expr) {
            let rule = self.rule.clone();
            let (steps, places) = placed.into_iter().unzip();
            let (scope, place) = (self.scope, place(expr.span()));
            self.references.push(Reference { rule, root, steps, places, scope, used, place });
        }
    }

    fn call(&mut self, function: &Ref<Expr>, params: &[Ref<Expr>]) {
        let name = dotted(function).unwrap_or_default();
        for param in params {
            self.expr(param, if name == "count" { Use::Counted } else { Use::Whole });
        }
        let literals = params.iter().map(|param| literal(param)).collect();
        let arguments = params.iter().map(|param| self.plain(param)).collect();
        self.calls.push(Call { rule: self.rule.clone(), name, literals, arguments, place: start(function) });
    }
}
