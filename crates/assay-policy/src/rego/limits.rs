//! Built-in functions whose results can be far larger than their arguments, with a bound. Applied to their own results, each
//! would double a text again and again in a few steps that no clock sees; beyond the bound the policy fails, and the server
//! does not. What these functions answer below the bound is what the evaluator's own do.

use regorus::{LimitError, Value, global_memory_limit};
use regorus_mimalloc::limits::global_allocation_stats_snapshot;

/// Longest text that a function makes, bytes.
const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Longest array that a function makes.
const MAX_ITEMS: usize = 1_000_000;

/// A function: its name, how many arguments it takes, and what it does.
type Bounded = (&'static str, u8, fn(&[Value]) -> anyhow::Result<Value>);

/// All of them.
pub(super) const OWN: &[Bounded] = &[
    ("array.concat", 2, array_concat),
    ("concat", 2, concat),
    ("replace", 3, replace),
    ("strings.replace_n", 2, replace_n),
];

fn text(args: &[Value], index: usize) -> Option<&str> {
    args.get(index)?.as_string().ok().map(AsRef::as_ref)
}

/// Whether so many bytes more may be held. The evaluator looks every few steps, which is too late for a function that makes
/// megabytes in one of them.
///
/// # Errors
/// [`LimitError::MemoryLimitExceeded`].
pub(super) fn room(bytes: usize) -> anyhow::Result<()> {
    let Some(limit) = global_memory_limit() else { return Ok(()) };
    let usage = global_allocation_stats_snapshot().allocated.saturating_add(bytes as u64);
    if usage > limit {
        return Err(LimitError::MemoryLimitExceeded { usage, limit }.into());
    }
    Ok(())
}

fn fits(bytes: usize) -> anyhow::Result<()> {
    anyhow::ensure!(bytes <= MAX_TEXT, "a text may have at most {MAX_TEXT} bytes");
    room(bytes)
}

fn array_concat(args: &[Value]) -> anyhow::Result<Value> {
    let array = |index: usize| args.get(index).and_then(|value| value.as_array().ok());
    let (Some(a), Some(b)) = (array(0), array(1)) else { return Ok(Value::Undefined) };
    anyhow::ensure!(a.len() + b.len() <= MAX_ITEMS, "an array may hold at most {MAX_ITEMS} values");
    room((a.len() + b.len()) * size_of::<Value>())?;
    Ok(Value::from(a.iter().chain(b.iter()).cloned().collect::<Vec<_>>()))
}

fn concat(args: &[Value]) -> anyhow::Result<Value> {
    let Some(delimiter) = text(args, 0) else { return Ok(Value::Undefined) };
    let items: Option<Vec<&str>> = match args.get(1) {
        Some(Value::Array(items)) => items.iter().map(|item| item.as_string().ok().map(AsRef::as_ref)).collect(),
        Some(Value::Set(items)) => items.iter().map(|item| item.as_string().ok().map(AsRef::as_ref)).collect(),
        _ => None,
    };
    let Some(items) = items else { return Ok(Value::Undefined) };
    fits(items.iter().map(|item| item.len() + delimiter.len()).sum())?;
    Ok(Value::from(items.join(delimiter)))
}

fn replaced(text: &str, old: &str, new: &str) -> anyhow::Result<String> {
    if new.len() > old.len() {
        let times = text.matches(old).count();
        fits(text.len() + times.saturating_mul(new.len() - old.len()))?;
    }
    Ok(text.replace(old, new))
}

fn replace(args: &[Value]) -> anyhow::Result<Value> {
    let (Some(text), Some(old), Some(new)) = (text(args, 0), text(args, 1), text(args, 2)) else {
        return Ok(Value::Undefined);
    };
    Ok(Value::from(replaced(text, old, new)?))
}

fn replace_n(args: &[Value]) -> anyhow::Result<Value> {
    let (Some(pairs), Some(text)) = (args.first().and_then(|value| value.as_object().ok()), text(args, 1)) else {
        return Ok(Value::Undefined);
    };
    let mut text = text.to_owned();
    for (old, new) in pairs.iter_sorted() {
        let (Ok(old), Ok(new)) = (old.as_string(), new.as_string()) else { return Ok(Value::Undefined) };
        text = replaced(&text, old, new)?;
    }
    Ok(Value::from(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_bounds_is_as_ever() {
        let texts = |all: &[&str]| Value::from(all.iter().map(|&text| Value::from(text)).collect::<Vec<_>>());
        assert_eq!(concat(&[",".into(), texts(&["a", "b"])]).unwrap(), Value::from("a,b"));
        assert_eq!(concat(&[",".into(), Value::from(vec![Value::Null])]).unwrap(), Value::Undefined);
        assert_eq!(replace(&["aXbX".into(), "X".into(), "--".into()]).unwrap(), Value::from("a--b--"));
        assert_eq!(array_concat(&[texts(&["a"]), texts(&["b"])]).unwrap(), texts(&["a", "b"]));
    }

    #[test]
    fn what_doubles_for_ever_ends() {
        let mut text = Value::from("xxxxxxxx");
        let grown = (0..64).find_map(|_| match concat(&["".into(), Value::from(vec![text.clone(), text.clone()])]) {
            Ok(next) => {
                text = next;
                None
            }
            Err(error) => Some(error.to_string()),
        });
        assert_eq!(grown.unwrap(), "a text may have at most 16777216 bytes");
        let wide = "x".repeat(1 << 13);
        assert!(replace(&[Value::from(wide.as_str()), "x".into(), Value::from(wide.as_str())]).is_err());
        assert!(replace(&["abc".into(), "".into(), Value::from("y".repeat(MAX_TEXT))]).is_err());
    }
}
