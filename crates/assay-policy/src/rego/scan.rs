//! A look at a source before it is parsed: refuses chains of operators so long that the parsed form, which nests once
//! per operator, would exhaust the stack of whoever walks it.

use super::diagnose::Fault;

/// Most operators in one expression.
const MAX_OPERATORS: usize = 200;

/// Most brackets within brackets: the parser tries an opening brace as a set, an object and a comprehension, so that its
/// work can double with every level.
const MAX_NESTING: usize = 14;

/// Counts the operators of each expression; brackets begin an expression of their own.
pub(super) fn check(source: &str) -> Result<(), Fault> {
    let mut counts = vec![0_usize];
    let mut line = 1_u32;
    let mut fresh_line = false;
    let mut after_operator = false;
    let mut rest = source.chars();
    while let Some(next) = rest.next() {
        match next {
            '\n' => {
                line = line.saturating_add(1);
                fresh_line = true;
                continue;
            }
            '#' => {
                // The end of the line is the comment's end and counts as such.
                rest.by_ref().find(|skipped| *skipped == '\n');
                line = line.saturating_add(1);
                fresh_line = true;
                continue;
            }
            blank if blank.is_whitespace() => continue,
            _ => {}
        }
        let operator = matches!(next, '+' | '-' | '*' | '/' | '%' | '&' | '|' | '=' | '<' | '>' | '!' | ':');
        let ended = fresh_line && !operator && !after_operator;
        match next {
            '(' | '[' | '{' if counts.len() > MAX_NESTING => {
                let message =
                    format!("brackets are nested more than {MAX_NESTING} deep; name a part of it in a rule of its own");
                return Err(Fault::at((line, 1), message));
            }
            '(' | '[' | '{' => counts.push(0),
            ')' | ']' | '}' if counts.len() > 1 => drop(counts.pop()),
            _ => {
                if let Some(count) = counts.last_mut() {
                    if ended || matches!(next, ',' | ';') {
                        *count = 0;
                    } else if operator && !after_operator {
                        *count += 1;
                    }
                }
            }
        }
        if counts.last().is_some_and(|count| *count > MAX_OPERATORS) {
            let message = format!("an expression has more than {MAX_OPERATORS} operators; split it");
            return Err(Fault::at((line, 1), message));
        }
        if next == '"' || next == '`' {
            line = line.saturating_add(skip_text(&mut rest, next));
        }
        fresh_line = false;
        after_operator = operator;
    }
    Ok(())
}

/// Skips to the end of a text; gives how many lines it spans. One in quotes ends with its line.
fn skip_text(rest: &mut std::str::Chars<'_>, quote: char) -> u32 {
    let mut lines = 0;
    while let Some(next) = rest.next() {
        match next {
            '\\' if quote == '"' => drop(rest.next()),
            '\n' if quote == '"' => return 1,
            '\n' => lines += 1,
            end if end == quote => break,
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{MAX_NESTING, check};

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("x := {}1{}", "{".repeat(depth), "}".repeat(depth));
        assert!(check(&nested(MAX_NESTING)).is_ok());
        assert!(check(&nested(MAX_NESTING + 1)).is_err());
        assert!(check(&format!("x := a\"b\n{}", nested(MAX_NESTING + 1))).is_err(), "a quote that nothing closes");
        assert!(check("x := \"{{{{{{{{{{{{{{{{{{{{{{{{{{{{\"").is_ok());
    }
}
