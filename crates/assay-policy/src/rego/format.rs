//! `sprintf`: most reasons are made by it, and the evaluator's own writes negative numbers with two signs and ignores
//! some flags. Follows the reference implementation, which hands numbers and strings to Go's formatter and everything
//! else as text.

use regorus::Value;

/// Widest field and longest fraction; wider ones are cut to it.
const MAX_WIDTH: usize = 1_000;
/// Longest result, bytes.
pub(super) const MAX_RESULT: usize = 1024 * 1024;

/// One `%…` of a format.
#[derive(Debug, Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

enum Argument {
    Whole(i128),
    Fraction(f64),
    Text(String),
}

/// The function: a format and an array of arguments.
pub(super) fn sprintf(args: &[Value]) -> anyhow::Result<Value> {
    let (Some(Value::String(format)), Some(Value::Array(values))) = (args.first(), args.get(1)) else {
        return Ok(Value::Undefined);
    };
    let mut values = values.iter();
    let mut out = String::new();
    let mut rest = format.chars().peekable();
    while let Some(next) = rest.next() {
        if out.len() > MAX_RESULT {
            anyhow::bail!("the text of sprintf is longer than {MAX_RESULT} bytes");
        }
        if next != '%' {
            out.push(next);
            continue;
        }
        match verb(&mut rest) {
            None => out.push_str("%!(NOVERB)"),
            Some(verb) if verb.letter == '%' => out.push('%'),
            Some(verb) => match values.next() {
                None => out.push_str(&format!("%!{}(MISSING)", verb.letter)),
                Some(value) => out.push_str(&pad(&verb, &argument(value))),
            },
        }
    }
    let extra: Vec<String> = values.map(|value| named(&Verb::default(), &argument(value))).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Value::from(out))
}

/// A value as `%v` writes it.
pub(super) fn plain(value: &Value) -> String {
    pad(&Verb { letter: 'v', ..Verb::default() }, &argument(value))
}

fn verb(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Verb> {
    let mut verb = Verb::default();
    while let Some(flag) = rest.peek() {
        match flag {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            '#' => verb.sharp = true,
            _ => break,
        }
        rest.next();
    }
    verb.width = digits(rest).unwrap_or(0);
    if rest.next_if_eq(&'.').is_some() {
        verb.precision = Some(digits(rest).unwrap_or(0));
    }
    verb.letter = rest.next()?;
    Some(verb)
}

fn digits(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut value = None;
    while let Some(digit) = rest.peek().and_then(|next| next.to_digit(10)) {
        value = Some((value.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
        rest.next();
    }
    value
}

fn argument(value: &Value) -> Argument {
    match value {
        Value::String(text) => Argument::Text(text.as_ref().to_owned()),
        Value::Number(_) => {
            let text = serde_json::to_string(value).unwrap_or_default();
            match (text.parse(), value.as_f64()) {
                (Ok(whole), _) => Argument::Whole(whole),
                (Err(_), Ok(fraction)) => Argument::Fraction(fraction),
                _ => Argument::Text(text),
            }
        }
        other => Argument::Text(term(other)),
    }
}

/// A value as Rego writes it.
fn term(value: &Value) -> String {
    let all = |items: Vec<String>| items.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", all(items.iter().map(term).collect())),
        Value::Set(items) if items.is_empty() => "set()".into(),
        Value::Set(items) => format!("{{{}}}", all(items.iter().map(term).collect())),
        Value::Object(fields) => {
            let fields = fields.iter_sorted().map(|(key, value)| format!("{}: {}", term(key), term(value)));
            format!("{{{}}}", all(fields.collect()))
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// An argument with its type, as Go writes one that does not fit its verb: width and signs apply to the value.
fn named(verb: &Verb, argument: &Argument) -> String {
    let kind = match argument {
        Argument::Whole(_) => "int",
        Argument::Fraction(_) => "float64",
        Argument::Text(_) => "string",
    };
    let text = body(&Verb { letter: 'v', ..*verb }, argument).unwrap_or_default();
    format!("{kind}={}", fill(verb, argument, text))
}

fn pad(verb: &Verb, argument: &Argument) -> String {
    match body(verb, argument) {
        Some(text) => fill(verb, argument, text),
        None => format!("%!{}({})", verb.letter, named(verb, argument)),
    }
}

fn fill(verb: &Verb, argument: &Argument, text: String) -> String {
    let missing = verb.width.saturating_sub(text.chars().count());
    if verb.minus {
        return text + &" ".repeat(missing);
    }
    let exact = matches!(argument, Argument::Whole(_)) && verb.precision.is_some();
    if verb.zero && !exact && !matches!(argument, Argument::Text(_)) {
        let sign = text.find(|c: char| !matches!(c, '+' | '-' | ' ')).unwrap_or(0);
        return format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..]);
    }
    " ".repeat(missing) + &text
}

/// The argument under its verb; `None` when they do not fit.
fn body(verb: &Verb, argument: &Argument) -> Option<String> {
    match argument {
        Argument::Whole(whole) => {
            let size = whole.unsigned_abs();
            let prefix = |text: &'static str| if verb.sharp { text } else { "" };
            let text = match verb.letter {
                'd' | 'v' => format!("{size:0>width$}", width = verb.precision.unwrap_or(0)),
                'U' => return Some(format!("U+{size:04X}")),
                'T' => return Some("int".into()),
                'x' => format!("{}{size:x}", prefix("0x")),
                'X' => format!("{}{size:X}", prefix("0X")),
                'o' => format!("{}{size:o}", prefix("0")),
                'b' => format!("{}{size:b}", prefix("0b")),
                'c' => return char::from_u32(u32::try_from(*whole).ok()?).map(String::from),
                _ => return None,
            };
            Some(signed(verb, *whole < 0, &text))
        }
        Argument::Fraction(fraction) => {
            let size = fraction.abs();
            let text = match (verb.letter, verb.precision) {
                ('T', _) => return Some("float64".into()),
                ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
                ('e', precision) => exponent(&format!("{size:.*e}", precision.unwrap_or(6))),
                ('v' | 'g', None) if size != 0.0 && !(1e-4..1e21).contains(&size) => exponent(&format!("{size:e}")),
                ('v' | 'g', None) => shown(size),
                ('v' | 'g', Some(precision)) => general(size, precision),
                _ => return None,
            };
            Some(signed(verb, fraction.is_sign_negative(), &text))
        }
        Argument::Text(text) => match verb.letter {
            's' | 'v' => Some(text.chars().take(verb.precision.unwrap_or(usize::MAX)).collect()),
            'q' => serde_json::to_string(text).ok(),
            'T' => Some("string".into()),
            'X' => Some(text.bytes().map(|byte| format!("{byte:02X}")).collect()),
            'x' => Some(text.bytes().map(|byte| format!("{byte:02x}")).collect()),
            _ => None,
        },
    }
}

/// A fraction without the trace that binary arithmetic left in it: `0.1 + 0.2` is shown as 0.3, as the reference does,
/// which calculates with more digits.
fn shown(size: f64) -> String {
    let shortest = size.to_string();
    let rounded = format!("{size:.14e}").parse::<f64>().map_or_else(|_| shortest.clone(), |value| value.to_string());
    if rounded.len() + 8 < shortest.len() { rounded } else { shortest }
}

fn signed(verb: &Verb, negative: bool, text: &str) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    format!("{sign}{text}")
}

/// Go writes at least two digits and a sign in an exponent.
fn exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else { return text.to_owned() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// `%.Ng`: N significant digits without trailing zeros.
fn general(size: f64, precision: usize) -> String {
    let rounded: f64 = format!("{size:.*e}", precision.max(1) - 1).parse().unwrap_or(size);
    rounded.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn formats_as_the_reference_does() {
        let cases = [
            ("%d|%v|%s", "[-1, -1.5, \"a\"]", "-1|-1.5|a"),
            ("%5d|%-5d|%05d|%+d", "[42, 42, -42, 42]", "   42|42   |-0042|+42"),
            ("%-4s|%4s|%.2s", "[\"ab\", \"ab\", \"abc\"]", "ab  |  ab|ab"),
            ("%.2f|%6.1f|%.0f", "[1.005, 7.25, 2.5]", "1.00|   7.2|2"),
            ("%.2f|%d|%s", "[1, 1.5, 2]", "%!f(int=01)|%!d(float64=1.5)|%!s(int=2)"),
            ("%5.1f|%v|%v", "[3, 0.30000000000000004, 0.1234567890123456]", "%!f(int=    3)|0.3|0.1234567890123456"),
            ("%v %v %v %v", "[[1, \"a\"], {\"k\": null}, true, 7.5]", "[1, \"a\"] {\"k\": null} true 7.5"),
            ("%x %X %o %b %c %q", "[255, 255, 8, 5, 65, \"a\\\"b\"]", "ff FF 10 101 A \"a\\\"b\""),
            ("100%% %d", "[]", "100% %!d(MISSING)"),
            ("%d", "[1, 2]", "1%!(EXTRA int=2)"),
            ("%e %g", "[123456.5, 1e30]", "1.234565e+05 1e+30"),
        ];
        for (format, args, expected) in cases {
            let args = Value::from_json_str(args).unwrap();
            assert_eq!(sprintf(&[Value::from(format), args]).unwrap(), Value::from(expected), "{format}");
        }
    }
}
