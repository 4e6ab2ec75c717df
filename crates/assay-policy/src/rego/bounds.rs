//! Which moves of a score can matter to a policy: only those of the part that it reads, the probability or the percentile;
//! and where it first compares that with a number, what fails the comparison before and after its move changes nothing
//! that the policy says.
//!
//! When in doubt the answer is that every move matters: deciding too often costs time, too seldom would be wrong.

use super::survey::{Step, dotted};
use assay_model::score::Epss;
use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, Module, Query, Ref, Rule, RuleHead};
use std::collections::{BTreeMap, BTreeSet};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Score,
    Percentile,
}

impl Part {
    fn of(self, epss: Option<&Epss>) -> Option<f64> {
        match self {
            Self::Score => epss.map(|e| e.score),
            Self::Percentile => epss.map(|e| e.percentile),
        }
    }
}

/// A comparison that a score has to pass.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound {
    part: Part,
    /// Whether it has to be above the limit rather than below.
    above: bool,
    limit: f64,
}

impl Bound {
    /// The limit itself passes: whether it is included is not looked at.
    fn passes(self, epss: Option<&Epss>) -> bool {
        self.part.of(epss).is_some_and(|value| if self.above { value >= self.limit } else { value <= self.limit })
    }
}

/// A place where a module reads a score.
#[derive(Clone, Debug, PartialEq)]
struct Use {
    /// All of it where nothing is named.
    part: Option<Part>,
    /// The comparisons that it is behind.
    bounds: Vec<Bound>,
}

impl Use {
    fn is_concerned(&self, before: Option<&Epss>, after: Option<&Epss>) -> bool {
        let moved = |part: Part| part.of(before) != part.of(after);
        // of several CVEs of a finding the likeliest counts, so a percentile can follow from a probability
        let concerns = moved(Part::Score) || self.part != Some(Part::Score) && moved(Part::Percentile);
        concerns && !self.bounds.iter().any(|bound| !bound.passes(before) && !bound.passes(after))
    }
}

/// Every use of a score in a module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bounds(Vec<Use>);

impl Bounds {
    /// Whether a move can change what the policy says.
    pub(super) fn concern(&self, before: Option<&Epss>, after: Option<&Epss>) -> bool {
        self.0.iter().any(|use_of| use_of.is_concerned(before, after))
    }
}

/// The bounds of a module that names scores only by their path (`found.epss.score`).
pub(super) fn bounds(module: &Module) -> Bounds {
    let mut reader = Reader { constants: constants(module), uses: Vec::new() };
    for rule in &module.policy {
        reader.rule(rule);
    }
    Bounds(reader.uses)
}

/// Rules that are a number.
fn constants(module: &Module) -> BTreeMap<String, f64> {
    let of = |rule: &Ref<Rule>| match &**rule {
        Rule::Spec { head: RuleHead::Compr { refr, assign: Some(assign), .. }, bodies, .. } => {
            let plain = bodies.iter().all(|body| body.query.stmts.is_empty());
            plain.then(|| Some((dotted(refr)?, number(&assign.value)?))).flatten()
        }
        _ => None,
    };
    module.policy.iter().filter_map(of).collect()
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number { value, .. } => value.as_f64().ok(),
        _ => None,
    }
}

/// The element that has the score, as it is written, and what of it is named.
fn scored(expr: &Expr) -> Option<(String, Option<Part>)> {
    let (root, steps) = super::survey::flatten(expr)?;
    let at = steps.iter().position(|step| matches!(step, Step::Key(key) if key == "epss"))?;
    let (before, rest) = steps.split_at(at);
    let part = match rest {
        [_, Step::Key(field)] if field == "score" => Some(Part::Score),
        [_, Step::Key(field)] if field == "percentile" => Some(Part::Percentile),
        _ => None,
    };
    Some((format!("{root}{before:?}"), part))
}

/// The names that an expression gives a value.
fn named(expr: &Expr, into: &mut BTreeSet<String>) {
    match expr {
        Expr::Var { .. } => into.extend(dotted(expr)),
        Expr::Array { items, .. } => items.iter().for_each(|item| named(item, into)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| named(value, into)),
        _ => {}
    }
}

/// Bounds by the element that they are about, and names that stand for a score.
#[derive(Clone, Default)]
struct Scope {
    bounds: BTreeMap<String, Vec<Bound>>,
    names: BTreeMap<String, (String, Part)>,
    /// Names that stand for something of their own here, whatever rules are called.
    locals: BTreeSet<String>,
}

impl Scope {
    /// What a function's parameters leave of the names of rules.
    fn of(head: &RuleHead) -> Self {
        let mut scope = Self::default();
        if let RuleHead::Func { args, .. } = head {
            args.iter().for_each(|arg| named(arg, &mut scope.locals));
        }
        scope
    }

    fn add_locals(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => self.locals.extend(vars.iter().map(|var| var.text().to_owned())),
                Literal::SomeIn { key, value, .. } => {
                    key.iter().chain([value]).for_each(|name| named(name, &mut self.locals));
                }
                Literal::Expr { expr, .. } => {
                    if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = &**expr {
                        named(lhs, &mut self.locals);
                    }
                }
                Literal::NotExpr { .. } | Literal::Every { .. } => {}
            }
        }
    }
}

struct Reader {
    constants: BTreeMap<String, f64>,
    uses: Vec<Use>,
}

impl Reader {
    fn rule(&mut self, rule: &Rule) {
        let Rule::Spec { head, bodies, .. } = rule else { return };
        let (key, assign) = match head {
            RuleHead::Compr { assign, refr, .. } => (Some(refr), assign.as_ref()),
            RuleHead::Func { assign, .. } => (None, assign.as_ref()),
            RuleHead::Set { key, .. } => (key.as_ref(), None),
        };
        for (at, body) in bodies.iter().enumerate() {
            let Some(scope) = self.query(&body.query, &Scope::of(head)) else { continue };
            let values = body.assign.as_ref().into_iter().chain(assign.filter(|_| at == 0));
            for value in values {
                self.expr(&value.value, &scope);
            }
            if let Some(key) = key {
                self.expr(key, &scope);
            }
        }
        if bodies.is_empty() {
            for expr in key.into_iter().chain(assign.map(|assign| &assign.value)) {
                self.expr(expr, &Scope::of(head));
            }
        }
    }

    /// Reads a conjunction and gives its scope, for what stands beside it; nothing where it never holds, because of how
    /// the policy is set.
    fn query(&mut self, query: &Query, outer: &Scope) -> Option<Scope> {
        let mut scope = outer.clone();
        scope.add_locals(query);
        if query.stmts.iter().any(|statement| self.never_holds(&statement.literal, &scope)) {
            return None;
        }
        for statement in &query.stmts {
            if let Literal::Expr { expr, .. } = &statement.literal {
                self.learn(expr, &mut scope);
            }
        }
        for statement in &query.stmts {
            for modifier in &statement.with_mods {
                self.expr(&modifier.r#as, &scope);
            }
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr, &scope),
                Literal::SomeIn { key, value, collection, .. } => {
                    for expr in key.iter().chain([value, collection]) {
                        self.expr(expr, &scope);
                    }
                }
                Literal::Every { key, value, domain, query, .. } => {
                    self.expr(domain, &scope);
                    // what holds of every element is not what its body compares
                    let names = key.iter().chain([value]).map(|name| name.text().to_owned());
                    let locals = scope.locals.iter().cloned().chain(names).collect();
                    self.query(query, &Scope { locals, ..Scope::default() });
                }
            }
        }
        Some(scope)
    }

    /// Whether it compares two numbers, settings of the policy, in vain.
    fn never_holds(&self, literal: &Literal, scope: &Scope) -> bool {
        let Literal::Expr { expr, .. } = literal else { return false };
        let Expr::BoolExpr { op, lhs, rhs, .. } = &**expr else { return false };
        let (Some(left), Some(right)) = (self.limit(lhs, scope), self.limit(rhs, scope)) else { return false };
        match op {
            BoolOp::Lt => left >= right,
            BoolOp::Le => left > right,
            BoolOp::Ge => left < right,
            BoolOp::Gt => left <= right,
            BoolOp::Eq | BoolOp::Ne => false,
        }
    }

    /// Takes note of a comparison with a number, or of a name for a score.
    fn learn(&self, expr: &Expr, scope: &mut Scope) {
        match expr {
            Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                if let (Some(name), Some((subject, Some(part)))) = (dotted(lhs), scored(rhs)) {
                    scope.names.insert(name, (subject, part));
                }
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let swapped = match op {
                    BoolOp::Lt | BoolOp::Le => false,
                    BoolOp::Gt | BoolOp::Ge => true,
                    _ => return,
                };
                if let (Some((subject, part)), Some(limit)) = (self.subject(lhs, scope), self.limit(rhs, scope)) {
                    scope.bounds.entry(subject).or_default().push(Bound { part, above: swapped, limit });
                } else if let (Some(limit), Some((subject, part))) = (self.limit(lhs, scope), self.subject(rhs, scope))
                {
                    scope.bounds.entry(subject).or_default().push(Bound { part, above: !swapped, limit });
                }
            }
            _ => {}
        }
    }

    fn subject(&self, expr: &Expr, scope: &Scope) -> Option<(String, Part)> {
        match scored(expr) {
            Some((subject, part)) => Some((subject, part?)),
            None => dotted(expr).and_then(|name| scope.names.get(&name).cloned()),
        }
    }

    fn limit(&self, expr: &Expr, scope: &Scope) -> Option<f64> {
        let constant = || dotted(expr).filter(|name| !scope.locals.contains(name));
        number(expr).or_else(|| self.constants.get(&constant()?).copied())
    }

    fn all<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Ref<Expr>>, scope: &Scope) {
        for expr in exprs {
            self.expr(expr, scope);
        }
    }

    fn expr(&mut self, expr: &Expr, scope: &Scope) {
        if let Some((subject, part)) = scored(expr) {
            self.uses.push(Use { part, bounds: scope.bounds.get(&subject).cloned().unwrap_or_default() });
            return;
        }
        match expr {
            Expr::Var { .. } => {}
            Expr::RefDot { refr, .. } => self.expr(refr, scope),
            Expr::RefBrack { refr, index, .. } => self.all([refr, index], scope),
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.all(items, scope),
            Expr::Object { fields, .. } => {
                self.all(fields.iter().flat_map(|(_, key, value)| [key, value]), scope);
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                if let Some(inner) = self.query(query, scope) {
                    self.expr(term, &inner);
                }
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                if let Some(inner) = self.query(query, scope) {
                    self.all([key, value], &inner);
                }
            }
            Expr::Call { params, .. } => self.all(params, scope),
            Expr::UnaryExpr { expr, .. } => self.expr(expr, scope),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.all([lhs, rhs], scope),
            Expr::Membership { key, value, collection, .. } => {
                self.all(key, scope);
                self.all([value, collection], scope);
            }
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::rego::{Limits, check};

    /// Nothing where scores are taken without being named.
    fn known(body: &str) -> Option<Bounds> {
        let rego = format!("package assay\n\ndefault match := false\n\n{body}\n");
        check::check(&rego, &Limits::default()).expect(body).bounds
    }

    fn of(body: &str) -> Bounds {
        known(body).expect(body)
    }

    fn at(score: f64) -> Epss {
        Epss { cve: "CVE-2026-1".into(), score, percentile: 0.5, date: String::new() }
    }

    const TOLD: &str = "match if count(reason) > 0\n\nreason contains sprintf(\"%v\", [v.epss.score]) if {\n\tsome v in input.v1.vulnerabilities\n\tv.epss.score >= 0.1\n}";

    #[test]
    fn what_stays_below_the_limit_does_not_matter() {
        let bounds = of(TOLD);
        assert!(!bounds.concern(Some(&at(0.01)), Some(&at(0.09))));
        assert!(!bounds.concern(None, Some(&at(0.09))));
        assert!(bounds.concern(Some(&at(0.06)), Some(&at(0.45))), "it crosses");
        assert!(bounds.concern(Some(&at(0.45)), Some(&at(0.46))), "the reason tells it");
    }

    #[test]
    fn limits_are_found_in_other_forms() {
        for body in [
            "limit := 0.1\n\nmatch if {\n\tsome v in input.v0.vulnerabilities\n\tlimit <= v.epss.score\n}",
            "match if {\n\tsome v in input.v0.vulnerabilities\n\tscore := v.epss.score\n\tscore > 0.1\n}",
            "match if {\n\thot := [v | some v in [1]; input.v0.vulnerabilities[0].epss.score > 0.1]\n\tcount(hot) > 0\n}",
        ] {
            let bounds = of(body);
            assert!(!bounds.concern(Some(&at(0.01)), Some(&at(0.09))), "{body}");
            assert!(bounds.concern(Some(&at(0.01)), Some(&at(0.2))), "{body}");
        }
    }

    #[test]
    fn what_a_setting_turns_off_reads_nothing() {
        let told = |percentile: &str| {
            format!(
                "percentile := {percentile}\n\nmatch if {{\n\tpercentile > 0\n\tsome v in input.v0.vulnerabilities\n\tv.epss.percentile >= percentile\n}}"
            )
        };
        let (before, after) = (Epss { percentile: 0.97, ..at(0.45) }, Epss { percentile: 0.98, ..at(0.5) });
        assert!(!of(&told("0")).concern(Some(&before), Some(&after)));
        assert!(of(&told("0.95")).concern(Some(&before), Some(&after)));
    }

    #[test]
    fn a_name_of_its_own_is_no_rule_of_that_name() {
        for body in [
            "match if {\n\tlimit := 0.05\n\tinput.v0.vulnerabilities[_].epss.score > limit\n}",
            "match if {\n\tsome limit\n\t[0.05, 0.06][_] = limit\n\tinput.v0.vulnerabilities[_].epss.score > limit\n}",
            "match if {\n\t[limit, _] := [0.05, 1]\n\tinput.v0.vulnerabilities[_].epss.score > limit\n}",
            "match if {\n\tevery limit in {0.05} {\n\t\tinput.v0.vulnerabilities[0].epss.score > limit\n\t}\n}",
            "match if over(0.05)\n\nover(limit) if input.v0.vulnerabilities[_].epss.score > limit",
            "match if found with limit as 0.05\n\nfound if input.v0.vulnerabilities[_].epss.score > limit",
            "match if found with data.assay.limit as 0.05\n\nfound if input.v0.vulnerabilities[_].epss.score > limit",
        ] {
            let body = format!("limit := 0.5\n\n{body}");
            assert!(known(&body).is_none_or(|it| it.concern(Some(&at(0.01)), Some(&at(0.09)))), "{body}");
        }
    }

    #[test]
    fn in_doubt_everything_matters() {
        for body in [
            "match if count(reason) > 0\n\nreason contains sprintf(\"%v\", [v.epss.score]) if some v in input.v1.vulnerabilities",
            "match if {\n\tsome v in input.v0.vulnerabilities\n\tnot v.epss.score >= 0.1\n}",
            "match if {\n\tsome v in input.v0.vulnerabilities\n\thot(v)\n}\n\nhot(v) if v.epss.score > 0.1",
            "match if {\n\tsome v in input.v0.vulnerabilities\n\tsome w in input.v0.vulnerabilities\n\tv.epss.score > 0.1\n\tw.epss.score > v.epss.score\n}",
            "match if max([v.epss.score | some v in input.v0.vulnerabilities]) > 0.1",
        ] {
            assert!(known(body).is_none_or(|it| it.concern(Some(&at(0.01)), Some(&at(0.09)))), "{body}");
        }
    }

    #[test]
    fn a_percentile_alone_matters_to_who_reads_it() {
        let moved = |rank: f64| Epss { percentile: rank, ..at(0.45) };
        let concern = |body: &str| of(body).concern(Some(&moved(0.97)), Some(&moved(0.98)));
        assert!(!concern(TOLD), "its probability stays");
        for body in [
            "match if input.v0.vulnerabilities[_].epss.percentile > 0.9",
            "match if {\n\tsome v in input.v0.vulnerabilities\n\te := v.epss\n\te.score > 0.1\n}",
            "match if count(reason) > 0\n\nreason contains json.marshal(v.epss) if some v in input.v1.vulnerabilities",
        ] {
            assert!(concern(body), "{body}");
        }
        let ranked = "match if input.v0.vulnerabilities[_].epss.percentile > 0.99";
        assert!(!of(ranked).concern(Some(&moved(0.97)), Some(&moved(0.98))), "below the limit");
    }
}
