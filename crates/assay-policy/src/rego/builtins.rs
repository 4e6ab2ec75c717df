//! Built-in functions of our own: those that the evaluator lacks, those that must not see the machine's clock or chance,
//! and those that need a bound. An argument of the wrong type gives an undefined value, as the contract says.

mod crypto;
mod net;
mod notation;
mod semver;
mod time;

use super::{arithmetic, evaluator::Clock, format, limits, pattern, templates};
use regorus::{Engine, Value, unstable::BUILTINS, value::Object};
use std::sync::atomic::Ordering;

/// Longest array that `numbers.range` makes.
const MAX_RANGE: i64 = 1_000_000;

/// The clock's function; registered for each evaluation with its own time.
pub(super) const NOW: &str = "time.now_ns";

/// Functions whose answer does not follow from the facts. Refused when a policy is saved.
pub(super) const IMPURE: &[&str] =
    &["http.send", "opa.runtime", "net.lookup_ip_addr", "rand.intn", "uuid.rfc4122", "time.sleep", "test.sleep"];

/// A function of ours: its name, how many arguments it takes, and what it does.
type Own = (&'static str, u8, fn(&[Value]) -> anyhow::Result<Value>);

/// Functions registered here besides the clock.
const OWN: &[Own] = &[
    ("array.flatten", 1, |args| Ok(notation::flatten(args))),
    ("crypto.hmac.equal", 2, |args| Ok(crypto::equal(args))),
    ("crypto.hmac.md5", 2, |args| Ok(crypto::hmac_md5(args))),
    ("crypto.hmac.sha1", 2, |args| Ok(crypto::hmac_sha1(args))),
    ("crypto.hmac.sha256", 2, |args| Ok(crypto::hmac_sha256(args))),
    ("crypto.hmac.sha512", 2, |args| Ok(crypto::hmac_sha512(args))),
    ("crypto.md5", 1, |args| Ok(crypto::md5(args))),
    ("crypto.sha1", 1, |args| Ok(crypto::sha1(args))),
    ("crypto.sha256", 1, |args| Ok(crypto::sha256(args))),
    (templates::FUNCTION, 1, templates::joined),
    (arithmetic::FUNCTION, 1, |args| Ok(arithmetic::operand(args))),
    ("io.jwt.decode", 1, |args| Ok(notation::jwt(args))),
    ("json.is_valid", 1, |args| Ok(notation::json_is_valid(args))),
    ("net.cidr_contains_matches", 2, net::contains_matches),
    ("net.cidr_intersects", 2, |args| Ok(net::intersects(args))),
    ("net.cidr_merge", 1, net::merge),
    ("net.cidr_overlap", 2, |args| Ok(net::intersects(args))),
    ("numbers.range", 2, range),
    ("numbers.range_step", 3, range),
    ("semver.compare", 2, |args| Ok(semver::compare(args))),
    ("semver.is_valid", 1, |args| Ok(semver::is_valid(args))),
    ("sprintf", 2, format::sprintf),
    ("strings.count", 2, |args| Ok(count(args))),
    ("time.add_date", 4, |args| Ok(time::add_date(args))),
    ("time.parse_duration_ns", 1, |args| Ok(time::parse_duration(args))),
    ("uri.is_valid", 1, |args| Ok(notation::uri_is_valid(args))),
    ("uri.parse", 1, |args| Ok(notation::uri_parse(args))),
    ("uuid.parse", 1, |args| Ok(notation::uuid(args))),
    ("yaml.is_valid", 1, |args| Ok(notation::yaml_is_valid(args))),
    ("yaml.marshal", 1, |args| Ok(notation::yaml_write(args))),
    ("yaml.unmarshal", 1, |args| Ok(notation::yaml_read(args))),
];

/// Whether that function is one of ours, so that only the interpreter knows it or answers it rightly.
pub(super) fn is_own(name: &str) -> bool {
    let own = OWN.iter().chain(limits::OWN).any(|own| own.0 == name) || pattern::OWN.iter().any(|own| own.0 == name);
    own || name == NOW || IMPURE.contains(&name)
}

/// Whether that function gives a number or nothing.
pub(super) fn gives_number(name: &str) -> bool {
    matches!(
        name,
        NOW | "abs" | "ceil" | "count" | "floor" | "product" | "round" | "sum" | "time.parse_rfc3339_ns" | "to_number"
    )
}

/// Whether a policy may call that function.
pub(super) fn exists(name: &str) -> bool {
    let own = OWN.iter().any(|own| own.0 == name) || pattern::OWN.iter().any(|own| own.0 == name);
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
        "object.set" => "object.union",
        "strings.render_template" => "sprintf",
        "io.jwt.decode_verify" => "io.jwt.decode, which verifies nothing",
        _ => return None,
    })
}

/// Makes our functions known, except the clock.
pub(super) fn register(engine: &mut Engine) -> anyhow::Result<()> {
    for (name, arity, function) in OWN.iter().chain(limits::OWN) {
        let call = |args: Vec<Value>| limits::room(0).and_then(|()| function(&args));
        engine.add_extension((*name).to_owned(), *arity, Box::new(call))?;
    }
    pattern::register(engine)?;
    for name in IMPURE {
        // A policy stored by an older version may still call one.
        let refuse = move |_: Vec<Value>| anyhow::bail!("`{name}` is not available to policies");
        engine.add_extension((*name).to_owned(), refused(name), Box::new(refuse))?;
    }
    Ok(())
}

/// How many arguments a function takes; nothing for one that is unknown or takes any number.
pub(super) fn arity(name: &str) -> Option<usize> {
    if matches!(name, "print") || IMPURE.contains(&name) {
        return None;
    }
    let own = OWN.iter().chain(limits::OWN).find(|own| own.0 == name).map(|own| own.1);
    let own = own.or_else(|| pattern::OWN.iter().find(|own| own.0 == name).map(|own| own.1));
    let clock = (name == NOW).then_some(0);
    own.or(clock).or_else(|| BUILTINS.get(name).map(|known| known.1)).map(usize::from)
}

fn refused(name: &str) -> u8 {
    match name {
        "opa.runtime" => 0,
        "rand.intn" => 2,
        _ => 1,
    }
}

/// Makes `time.now_ns` answer what the clock holds.
pub(super) fn register_clock(engine: &mut Engine, clock: Clock) -> anyhow::Result<()> {
    let tell = move |_: Vec<Value>| match clock.load(Ordering::Relaxed) {
        i64::MIN => Ok(Value::Undefined),
        now => Ok(Value::from(now)),
    };
    engine.add_extension(NOW.into(), 0, Box::new(tell))
}

fn text(args: &[Value], index: usize) -> Option<&str> {
    args.get(index)?.as_string().ok().map(AsRef::as_ref)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<Object>().into_value()
}

/// `strings.count`: places that do not overlap; of an empty text one more than there are characters.
fn count(args: &[Value]) -> Value {
    let (Some(within), Some(what)) = (text(args, 0), text(args, 1)) else { return Value::Undefined };
    Value::from(within.matches(what).count())
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
    limits::room((usize::try_from(count)? + 1) * size_of::<Value>())?;
    let signed = if from <= to { step } else { -step };
    let numbers = (0..=count).map(|index| Value::from(from + index * signed));
    Ok(Value::from(numbers.collect::<Vec<_>>()))
}
