//! Names of locals that hide another name. `some x in xs` makes a new `x` in Rego, also where a rule, an import or the
//! query around has that name. The evaluator refuses such an `x`, or takes it for the one that is hidden and answers
//! something else. Such a local is therefore given another name, as long as its own: every place stays what it is.

use super::safety::{Names, given, keys, parts, pattern};
use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleHead, Span};
use std::collections::{BTreeMap, BTreeSet};

/// A source in which no local that is declared with `some` hides another name.
pub(super) struct Apart {
    /// The source as it is evaluated, as long as the one that was written.
    pub(super) source: String,
    pub(super) written: Written,
}

/// Names that were given, and the ones that they stand for.
pub(super) type Written = BTreeMap<String, String>;

/// A message with the names that were written.
pub(super) fn told(message: &str, written: &Written) -> String {
    let quoted = |text: String, (new, old): (&String, &String)| {
        let within =
            |text: String, quote| text.replace(&format!("{quote}{new}{quote}"), &format!("{quote}{old}{quote}"));
        ['`', '\'', '"'].into_iter().fold(text, within)
    };
    written.iter().fold(message.to_owned(), quoted)
}

/// Gives other names to locals that hide the names of rules, imports or locals around them; `None` where the source can
/// stay. `others` are names of rules that stand in other files of the package.
pub(super) fn apart(source: &str, module: &Module, others: &BTreeSet<String>) -> Option<Apart> {
    let mut global = names(module);
    global.extend(module.imports.iter().filter_map(imported));
    global.extend(others.iter().map(String::as_str));
    let mut walk = Walk { global, taken: words(source), edits: BTreeMap::new(), written: Written::new() };
    for rule in &module.policy {
        walk.rule(rule);
    }
    if walk.edits.is_empty() {
        return None;
    }
    let mut text = source.to_owned();
    for (start, new) in &walk.edits {
        text.replace_range(*start..start + new.len(), new);
    }
    Some(Apart { source: text, written: walk.written })
}

/// The names of a module's rules; of `a.b` it is `a`.
pub(super) fn names(module: &Module) -> Names<'_> {
    module.policy.iter().filter_map(|rule| name(rule)).collect()
}

fn name(rule: &Rule) -> Option<&str> {
    match rule {
        Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => root(refr),
    }
}

fn root(refr: &Expr) -> Option<&str> {
    match refr {
        Expr::Var { span, .. } => Some(span.text()),
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => root(refr),
        _ => None,
    }
}

pub(super) fn imported(import: &regorus::unstable::Import) -> Option<&str> {
    match (&import.r#as, &*import.refr) {
        (Some(name), _) => Some(name.text()),
        (None, Expr::RefDot { field, .. }) => Some(field.0.text()),
        _ => None,
    }
}

/// Every word of a source, wherever it stands.
fn words(source: &str) -> BTreeSet<String> {
    source.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
}

/// The names that a statement declares with `some`.
fn declares<'a>(statement: &'a LiteralStmt, out: &mut Names<'a>) {
    let mut own = Names::new();
    match &statement.literal {
        Literal::SomeVars { vars, .. } => own.extend(vars.iter().map(Span::text)),
        Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(|part| pattern(part, &mut own)),
        _ => {}
    }
    out.extend(own.into_iter().filter(|name| !matches!(*name, "_" | "input" | "data")));
}

/// The names that can be used at a place, and the new ones of those that got one.
type Scope<'m> = BTreeMap<&'m str, Option<String>>;

struct Walk<'m> {
    global: Names<'m>,
    taken: BTreeSet<String>,
    edits: BTreeMap<usize, String>,
    written: Written,
}

impl<'m> Walk<'m> {
    fn rule(&mut self, rule: &'m Rule) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        let mut arguments = Names::new();
        let mut told = Vec::new();
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                keys(refr, &mut told);
                told.extend(assign.iter().map(|assign| &*assign.value));
            }
            RuleHead::Set { refr, key, .. } => {
                keys(refr, &mut told);
                told.extend(key.iter().map(|key| &**key));
            }
            RuleHead::Func { args, assign, .. } => {
                args.iter().for_each(|arg| pattern(arg, &mut arguments));
                told.extend(assign.iter().map(|assign| &*assign.value));
            }
        }
        let scope: Scope<'m> = arguments.into_iter().map(|name| (name, None)).collect();
        if bodies.is_empty() {
            told.iter().for_each(|expr| self.uses(expr, &scope));
        }
        for body in bodies {
            let mut told = std::mem::take(&mut told);
            told.extend(body.assign.iter().map(|assign| &*assign.value));
            self.query(&body.query, &scope, &told);
        }
    }

    /// A query within others, and what is evaluated once it holds. What `some` declares counts in all of the query.
    fn query(&mut self, query: &'m Query, outer: &Scope<'m>, then: &[&'m Expr]) {
        let mut scope = outer.clone();
        let (mut all, mut declared) = (Names::new(), Names::new());
        for statement in &query.stmts {
            given(statement, &mut all);
            declares(statement, &mut declared);
        }
        for name in all {
            scope.entry(name).or_insert(None);
        }
        for name in &declared {
            let hides = self.global.contains(name) || outer.contains_key(name);
            scope.insert(name, if hides { self.fresh(name) } else { None });
        }
        for statement in &query.stmts {
            self.statement(statement, &mut scope, &declared);
        }
        then.iter().for_each(|expr| self.uses(expr, &scope));
    }

    fn statement(&mut self, statement: &'m LiteralStmt, scope: &mut Scope<'m>, declared: &Names<'m>) {
        statement.with_mods.iter().for_each(|modifier| self.uses(&modifier.r#as, scope));
        match &statement.literal {
            Literal::SomeVars { vars, .. } => vars.iter().for_each(|var| self.rename(var, scope)),
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|part| self.uses(part, scope));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => match &**expr {
                Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                    self.uses(rhs, scope);
                    let mut own = Names::new();
                    pattern(lhs, &mut own);
                    scope.extend(own.difference(declared).map(|name| (*name, None)));
                    self.uses(lhs, scope);
                }
                other => self.uses(other, scope),
            },
            Literal::Every { key, value, domain, query, .. } => {
                self.uses(domain, scope);
                let mut inner = scope.clone();
                inner.extend(key.iter().chain([value]).map(|var| (var.text(), None)));
                self.query(query, &inner, &[]);
            }
        }
    }

    fn uses(&mut self, expr: &'m Expr, scope: &Scope<'m>) {
        match expr {
            Expr::Var { span, .. } => self.rename(span, scope),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(query, scope, &[term]);
            }
            Expr::ObjectCompr { key, value, query, .. } => self.query(query, scope, &[key, value]),
            other => parts(other).into_iter().for_each(|part| self.uses(part, scope)),
        }
    }

    fn rename(&mut self, var: &Span, scope: &Scope<'m>) {
        if let Some(Some(new)) = scope.get(var.text()) {
            self.edits.insert(var.start as usize, new.clone());
        }
    }

    /// A name of the same length that stands nowhere in the source; the parser's own words have no capital letters.
    fn fresh(&mut self, name: &str) -> Option<String> {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let kept = name.len().checked_sub(2).and_then(|kept| name.get(..kept));
        let middle: Vec<String> = match kept {
            Some(_) => name.chars().rev().nth(1).into_iter().chain(LETTERS.chars()).map(String::from).collect(),
            None => vec![String::new()],
        };
        let kept = kept.unwrap_or_default();
        let mut all = middle.iter().flat_map(|at| LETTERS.chars().map(move |last| format!("{kept}{at}{last}")));
        let new = all.find(|new| !self.taken.contains(new))?;
        self.taken.insert(new.clone());
        self.written.insert(new.clone(), name.to_owned());
        Some(new)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::engine;
    use regorus::Value;

    fn value(rules: &str) -> anyhow::Result<Value> {
        engine::value(rules, "{}")
    }

    /// Every value is what OPA 1.18.2 gives.
    #[test]
    fn a_local_hides_what_has_its_name() {
        for (rules, expected) in [
            ("x := 7\nmatch := [y | some x in [1, 2]; y := x]", "[1, 2]"),
            ("match := [y | some x in [1, 2]; y := x]\nx := 7", "[1, 2]"),
            ("k := 7\nmatch := [k | some k, v in {`a`: 1}]", "[`a`]"),
            ("match := [c | some x in [1, 2]; c := [x | some x in [3, 4]]]", "[[3, 4], [3, 4]]"),
            ("i := 7\nmatch := [i | some i; [5, 6][i]]", "[0, 1]"),
            ("match := [c | some i; [1, 2][i]; c := [i | some i; [3, 4][i]]]", "[[0, 1], [0, 1]]"),
            ("a := 7\nmatch := [[a, b] | some [a, b] in [[1, 2]]]", "[[1, 2]]"),
            ("a := 7\nmatch := [a | some {`q`: a} in [{`q`: 3}]]", "[3]"),
            ("f(x) := [x | some x in [3, 4]]\nmatch := f(1)", "[3, 4]"),
            ("x(a) := a\nmatch := [x | some x in [1]]", "[1]"),
            ("import input.foo as x\nmatch := [x | some x in [1]]", "[1]"),
            ("import input.x\nmatch := [x | some x in [1]]", "[1]"),
            ("x := 1\nmatch := 5 if { false } else := x if { some x in [9] }", "9"),
            ("n := 4\nmatch := n if { some n in [] } else := n if { some n in [6] } else := n", "6"),
            ("n := 4\nmatch := n if { some n in [] } else := n", "4"),
            ("x := 9\nmatch := c if { some x in [1, 2]; x == 2; c := [x | x := 5] }", "[5]"),
            ("match := c if { some x in [1, 2]; x == 2; c := [[x | some x in [y, 7]] | some y in [x]] }", "[[2, 7]]"),
            ("v := 1\nmatch := [v.v | some v in [{`v`: 2}]]", "[2]"),
            ("i := 1\nmatch := [y | some i, _ in [5, 6]; y := [7, 8][i]]", "[7, 8]"),
            ("x := 1\ny := 3\nmatch := [x | some x in [1, 2, 3]; not x in [2]; x != y]", "[1]"),
            ("x := 1\nmatch := [[y | some y in x] | some x in [[1], [2]]]", "[[1], [2]]"),
            ("f(v) := [w | some w in v; w > count([v | some v in [1]])]\nmatch := f([1, 2])", "[2]"),
            ("match := c if { c := [i | some i in [3]]; [9][i] }", "[3]"),
            ("x := 1\nmatch := [x | some x; walk({`a`: 2}, [_, x]); is_number(x)]", "[2]"),
            ("x := 0\nmatch if { some x in [1, 2]; every x in [3, 4] { x > 2 } }", "true"),
            ("match if { every x in [[1], [2]] { count([x | some x in x_of]) == 2 } }\nx_of := [1, 2]", "true"),
        ] {
            let expected = Value::from_json_str(&expected.replace('`', "\"")).unwrap();
            assert_eq!(value(rules).unwrap(), expected, "{rules}");
        }
    }

    #[test]
    fn what_goes_through_itself_stays_a_fault() {
        assert!(value("x := [1]\nmatch := [y | some x in x; y := x]").is_err());
    }
}
