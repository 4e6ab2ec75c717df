//! Built-in functions of our own: those that the evaluator lacks, those that must not see the machine's clock or chance,
//! and those that need a bound. An argument of the wrong type gives an undefined value, as the contract says.

use super::{format, pattern};
use assay_model::Digest;
use jiff::Timestamp;
use regorus::{Engine, Value, unstable::BUILTINS};
use std::net::IpAddr;

/// Longest array that `numbers.range` makes.
const MAX_RANGE: i64 = 1_000_000;

/// The clock's function; registered for each evaluation with its own time.
pub(super) const NOW: &str = "time.now_ns";

/// Functions whose answer does not follow from the facts. Refused when a policy is saved.
pub(super) const IMPURE: &[&str] =
    &["http.send", "opa.runtime", "net.lookup_ip_addr", "rand.intn", "uuid.rfc4122", "time.sleep", "test.sleep"];

/// Functions registered here besides the clock.
const OWN: &[&str] =
    &["crypto.sha256", "net.cidr_intersects", "net.cidr_overlap", "numbers.range", "numbers.range_step"];

/// Whether a policy may call that function.
pub(super) fn exists(name: &str) -> bool {
    let own = OWN.contains(&name) || pattern::OWN.contains(&name);
    name == "print" || name == NOW || own || (!IMPURE.contains(&name) && BUILTINS.contains_key(name))
}

/// What to write instead of a function that does not exist.
pub(super) fn instead_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "re_match" => "regex.match",
        "all" | "any" => "`every` or a rule of its own",
        "cast_array" | "cast_set" | "cast_string" | "cast_boolean" | "cast_null" | "cast_object" => {
            "a test such as is_array"
        }
        "set_diff" => "the operator -",
        "net.cidr_merge" | "net.cidr_contains_matches" => "net.cidr_contains",
        _ => return None,
    })
}

/// Makes our functions known, except the clock.
pub(super) fn register(engine: &mut Engine) -> anyhow::Result<()> {
    engine.add_extension("crypto.sha256".into(), 1, Box::new(|args: Vec<Value>| Ok(sha256(&args))))?;
    engine.add_extension("net.cidr_intersects".into(), 2, Box::new(|args: Vec<Value>| Ok(intersects(&args))))?;
    engine.add_extension("net.cidr_overlap".into(), 2, Box::new(|args: Vec<Value>| Ok(intersects(&args))))?;
    engine.add_extension("sprintf".into(), 2, Box::new(|args: Vec<Value>| format::sprintf(&args)))?;
    engine.add_extension("numbers.range".into(), 2, Box::new(|args: Vec<Value>| range(&args)))?;
    engine.add_extension("numbers.range_step".into(), 3, Box::new(|args: Vec<Value>| range(&args)))?;
    pattern::register(engine)?;
    for name in IMPURE {
        // A policy stored by an older version may still call one.
        let refuse = move |_: Vec<Value>| anyhow::bail!("`{name}` is not available to policies");
        engine.add_extension((*name).to_owned(), arity(name), Box::new(refuse))?;
    }
    Ok(())
}

fn arity(name: &str) -> u8 {
    match name {
        "opa.runtime" => 0,
        "rand.intn" => 2,
        _ => 1,
    }
}

/// Makes `time.now_ns` answer `now`.
pub(super) fn register_clock(engine: &mut Engine, now: Timestamp) -> anyhow::Result<()> {
    let nanoseconds = i64::try_from(now.as_nanosecond()).ok();
    let clock = move |_: Vec<Value>| Ok(nanoseconds.map_or(Value::Undefined, Value::from));
    engine.add_extension(NOW.into(), 0, Box::new(clock))
}

fn text(args: &[Value], index: usize) -> Option<&str> {
    args.get(index)?.as_string().ok().map(AsRef::as_ref)
}

fn sha256(args: &[Value]) -> Value {
    text(args, 0).map_or(Value::Undefined, |input| Value::from(Digest::of(input.as_bytes()).hex()))
}

fn intersects(args: &[Value]) -> Value {
    let block = |index| text(args, index).and_then(block);
    match (block(0), block(1)) {
        (Some((v6, a, a_mask)), Some((other_v6, b, b_mask))) => {
            Value::from(v6 == other_v6 && (a ^ b) & a_mask & b_mask == 0)
        }
        _ => Value::Undefined,
    }
}

/// An address or block as (is version 6, address, mask); version 4 sits in the upper bits.
fn block(text: &str) -> Option<(bool, u128, u128)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let (v6, value, width) = match address.parse().ok()? {
        IpAddr::V4(v4) => (false, u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (true, u128::from(v6), 128),
    };
    let bits: u32 = bits.map_or(Some(width), |bits| bits.parse().ok())?;
    let mask = if bits == 0 { 0 } else { u128::MAX.checked_shl(128 - bits.min(128))? };
    (bits <= width).then_some((v6, value, mask))
}

/// `numbers.range` and `numbers.range_step`: both ends are in, downwards when the first is greater.
fn range(args: &[Value]) -> anyhow::Result<Value> {
    let whole = |index: usize| args.get(index).and_then(|value| value.as_i64().ok());
    let step = if args.len() < 3 { Some(1) } else { whole(2) };
    let (Some(from), Some(to), Some(step)) = (whole(0), whole(1), step) else { return Ok(Value::Undefined) };
    if step < 1 {
        return Ok(Value::Undefined);
    }
    let distance = from.abs_diff(to) / step.unsigned_abs();
    if distance >= MAX_RANGE.unsigned_abs() {
        anyhow::bail!("a range may hold at most {MAX_RANGE} numbers");
    }
    let count = i64::try_from(distance)?;
    let signed = if from <= to { step } else { -step };
    let numbers = (0..=count).map(|index| Value::from(from + index * signed));
    Ok(Value::from(numbers.collect::<Vec<_>>()))
}
