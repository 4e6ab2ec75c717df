//! Goes through all expressions of a parsed source, whatever names they use.

use super::safety::{keys, parts};
use regorus::unstable::{Expr, Literal, LiteralStmt, Query, Rule, RuleAssign, RuleHead};

/// Every expression of a rule, but the patterns of its arguments and its own name.
pub(super) fn rule(rule: &Rule, see: &mut dyn FnMut(&Expr)) {
    let Rule::Spec { head, bodies, .. } = rule else { return };
    let of_assign = |assign: &Option<RuleAssign>, see: &mut dyn FnMut(&Expr)| {
        assign.iter().for_each(|assign| in_expr(&assign.value, see));
    };
    match head {
        RuleHead::Compr { refr, assign, .. } => {
            let mut computed = Vec::new();
            keys(refr, &mut computed);
            computed.into_iter().for_each(|key| in_expr(key, see));
            of_assign(assign, see);
        }
        RuleHead::Set { key, .. } => key.iter().for_each(|key| in_expr(key, see)),
        RuleHead::Func { assign, .. } => of_assign(assign, see),
    }
    for body in bodies {
        of_assign(&body.assign, see);
        in_query(&body.query, see);
    }
}

fn in_query(query: &Query, see: &mut dyn FnMut(&Expr)) {
    query.stmts.iter().for_each(|statement| in_statement(statement, see));
}

fn in_statement(statement: &LiteralStmt, see: &mut dyn FnMut(&Expr)) {
    for modifier in &statement.with_mods {
        in_expr(&modifier.refr, see);
        in_expr(&modifier.r#as, see);
    }
    match &statement.literal {
        Literal::SomeVars { .. } => {}
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => in_expr(expr, see),
        Literal::SomeIn { collection, .. } => in_expr(collection, see),
        Literal::Every { domain, query, .. } => {
            in_expr(domain, see);
            in_query(query, see);
        }
    }
}

fn in_expr(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expr);
    match expr {
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            in_expr(term, see);
            in_query(query, see);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            in_expr(key, see);
            in_expr(value, see);
            in_query(query, see);
        }
        Expr::Call { fcn, params, .. } => {
            in_expr(fcn, see);
            params.iter().for_each(|param| in_expr(param, see));
        }
        other => parts(other).into_iter().for_each(|part| in_expr(part, see)),
    }
}
