//! What a licence expression leaves to choose: the ways in which all of it can be satisfied, each a list of licences that
//! hold together. `A AND (B OR C)` is `A, B` or `A, C`.

use super::{
    DECLARED_BYTES,
    expression::{Expression, parse},
};
use std::fmt;

/// More ways are not told apart: the expression is then one way, with all of its licences.
const MOST: usize = 64;

/// Longer expressions are not read: a declaration that was understood may be longer in the words of the list.
const MOST_BYTES: usize = 8 * DECLARED_BYTES;

/// A licence of an expression; written as `id WITH exception`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// Its identifier; a text that is no expression as it is.
    pub id: String,
    /// The exception that goes with it.
    pub exception: Option<String>,
}

/// The ways to satisfy an expression, never none.
#[must_use]
pub fn choices(expression: &str) -> Vec<Vec<Licence>> {
    let single = |id: &str| (!id.contains(' ')).then(|| Expression::Id(id.to_owned()));
    let short = Some(expression).filter(|expression| expression.len() <= MOST_BYTES);
    match short.and_then(|expression| parse(expression, &single)) {
        Some(read) => ways(&read).unwrap_or_else(|| vec![all(&read)]),
        None => vec![vec![Licence { id: expression.to_owned(), exception: None }]],
    }
}

impl fmt::Display for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.exception {
            Some(exception) => write!(f, "{} WITH {exception}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

fn of(expression: &Expression) -> Option<Licence> {
    match expression {
        Expression::Id(id) => Some(Licence { id: id.clone(), exception: None }),
        Expression::With(id, with) => Some(Licence { id: id.clone(), exception: Some(with.clone()) }),
        Expression::And(_) | Expression::Or(_) => None,
    }
}

fn ways(expression: &Expression) -> Option<Vec<Vec<Licence>>> {
    let found = match expression {
        Expression::Id(_) | Expression::With(..) => vec![vec![of(expression)?]],
        Expression::Or(parts) => {
            let mut found = Vec::new();
            for part in parts {
                found.extend(ways(part)?);
            }
            found
        }
        Expression::And(parts) => {
            let mut found = vec![Vec::new()];
            for part in parts {
                let next = ways(part)?;
                if found.len() * next.len() > MOST {
                    return None;
                }
                found = found.iter().flat_map(|so_far| next.iter().map(move |more| joined(so_far, more))).collect();
            }
            found
        }
    };
    (found.len() <= MOST).then_some(found)
}

fn joined(some: &[Licence], more: &[Licence]) -> Vec<Licence> {
    let new = more.iter().filter(|licence| !some.contains(licence));
    some.iter().chain(new).cloned().collect()
}

fn all(expression: &Expression) -> Vec<Licence> {
    match expression {
        Expression::And(parts) | Expression::Or(parts) => {
            parts.iter().fold(Vec::new(), |so_far, part| joined(&so_far, &all(part)))
        }
        _ => of(expression).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::choices;

    fn told(expression: &str) -> String {
        let way = |way: &Vec<super::Licence>| way.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        choices(expression).iter().map(way).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn parentheses_exceptions_and_both_connections_are_read() {
        for (expression, ways) in [
            ("MIT", "MIT"),
            ("MIT OR Apache-2.0", "MIT | Apache-2.0"),
            ("MIT AND Apache-2.0", "MIT, Apache-2.0"),
            ("MIT OR (Apache-2.0 AND ISC)", "MIT | Apache-2.0, ISC"),
            ("(MIT OR GPL-3.0-only) AND ISC", "MIT, ISC | GPL-3.0-only, ISC"),
            ("(A OR B) AND (A OR C)", "A | A, C | B, A | B, C"),
            ("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT", "GPL-2.0-only WITH Classpath-exception-2.0 | MIT"),
            ("See the file COPYING", "See the file COPYING"),
            ("", ""),
        ] {
            assert_eq!(told(expression), ways, "{expression}");
        }
    }

    #[test]
    fn what_multiplies_has_an_end() {
        let pairs: Vec<String> = (0..40).map(|n| format!("(a{n} OR b{n})")).collect();
        let found = choices(&pairs.join(" AND "));
        assert_eq!((found.len(), found.first().map(Vec::len)), (1, Some(80)));
        let long: Vec<String> = (0..100_000).map(|n| format!("a{n}")).collect();
        let found = choices(&long.join(" AND "));
        assert_eq!((found.len(), found.first().map(Vec::len)), (1, Some(1)), "no declaration is that long");
    }
}
