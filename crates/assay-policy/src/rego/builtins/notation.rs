//! Functions that take a notation apart: `uri.*`, `uuid.parse`, `io.jwt.decode`, `yaml.*`, `json.is_valid`,
//! and `array.flatten`.

use super::{hex, object, text};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use regorus::Value;

/// Longest text of YAML that is read, bytes.
const MAX_YAML: usize = 1024 * 1024;
/// 100-nanosecond steps between 1582-10-15, where UUIDs begin to count, and 1970.
const UUID_EPOCH: i128 = 0x01B2_1DD2_1381_4000;

/// `array.flatten`: arrays and sets within are put in place of themselves, one level deep.
pub(super) fn flatten(args: &[Value]) -> Value {
    let Some(Value::Array(items)) = args.first() else { return Value::Undefined };
    let mut flat = Vec::new();
    for item in items.iter() {
        match item {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    Value::from(flat)
}

/// `uri.is_valid`; an empty text is none.
pub(super) fn uri_is_valid(args: &[Value]) -> Value {
    Value::from(text(args, 0).is_some_and(|uri| !uri.is_empty() && Uri::parse(uri).is_some()))
}

/// `json.is_valid`: what is no text is no JSON.
pub(super) fn json_is_valid(args: &[Value]) -> Value {
    Value::from(text(args, 0).is_some_and(|json| serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()))
}

/// `uri.parse`: the parts that are there. Who is named before `@` is left out.
pub(super) fn uri_parse(args: &[Value]) -> Value {
    let Some(uri) = text(args, 0).and_then(Uri::parse) else { return Value::Undefined };
    let fields = [
        ("scheme", uri.scheme),
        ("hostname", uri.hostname),
        ("port", uri.port),
        ("path", uri.path),
        ("raw_path", uri.raw_path),
        ("raw_query", uri.query),
        ("fragment", uri.fragment),
    ];
    object(fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, Value::from(value))))
}

/// A URI (RFC 3986) in parts; what is absent is empty.
#[derive(Debug, Default)]
struct Uri {
    scheme: String,
    hostname: String,
    port: String,
    path: String,
    raw_path: String,
    query: String,
    fragment: String,
}

impl Uri {
    fn parse(text: &str) -> Option<Self> {
        if text.chars().any(|letter| letter.is_ascii_control()) {
            return None;
        }
        let mut uri = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        uri.fragment = unescape(fragment)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        query.clone_into(&mut uri.query);
        let rest = match rest.split_once(':') {
            Some((scheme, after)) if is_scheme(scheme) => {
                uri.scheme = scheme.to_ascii_lowercase();
                after
            }
            // A colon in the first segment of a path would be read as the end of a scheme.
            Some((before, _)) if !before.contains('/') => return None,
            _ => rest,
        };
        let path = match rest.strip_prefix("//") {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let (authority, path) = after.split_at(end);
                uri.authority(authority)?;
                path
            }
            // `pkg:npm/x`: neither authority nor path.
            None if !uri.scheme.is_empty() && !rest.starts_with('/') => return Some(uri),
            None => rest,
        };
        uri.path = unescape(path)?;
        // As it was written only where that is not the usual way to write it.
        uri.raw_path = if usual(&uri.path) == path { uri.path.clone() } else { path.to_owned() };
        Some(uri)
    }

    fn authority(&mut self, authority: &str) -> Option<()> {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (name, port) = match host.strip_prefix('[') {
            Some(inner) => {
                let (name, after) = inner.split_once(']')?;
                (name, after.strip_prefix(':').or_else(|| after.is_empty().then_some(""))?)
            }
            None => host.split_once(':').unwrap_or((host, "")),
        };
        if name.contains([' ', '<', '>', '"']) || !port.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        self.hostname = unescape(name)?;
        port.clone_into(&mut self.port);
        Some(())
    }
}

/// A path as it is usually escaped.
fn usual(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Percent-encoding undone; `None` for a sign that is not followed by two hex digits.
fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// `uuid.parse`: version, variant, and what versions 1 and 2 hold.
pub(super) fn uuid(args: &[Value]) -> Value {
    text(args, 0).and_then(uuid_parts).unwrap_or(Value::Undefined)
}

fn uuid_parts(text: &str) -> Option<Value> {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(text);
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != 32 || !(dashes.is_empty() || dashes == [8, 13, 18, 23]) {
        return None;
    }
    let value = u128::from_str_radix(&digits, 16).ok()?;
    let bytes = value.to_be_bytes();
    let version = u64::from(bytes[6] >> 4);
    let variant = match bytes[8] {
        0xc0..=0xdf => "Microsoft",
        0xe0..=0xff => "Future",
        0x80..=0xbf => "RFC4122",
        _ => "Reserved",
    };
    let mut parts = vec![("version", Value::from(version)), ("variant", Value::from(variant))];
    if matches!(version, 1 | 2) {
        let low = i128::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let middle = i128::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        let high = i128::from(u16::from_be_bytes([bytes[6] & 0x0f, bytes[7]]));
        let steps = (high << 48) | (middle << 32) | low;
        let time = i64::try_from((steps - UUID_EPOCH) * 100).ok()?;
        let node: Vec<String> = bytes[10..].iter().map(|byte| format!("{byte:02x}")).collect();
        let local = if bytes[10] & 2 == 2 { "local" } else { "global" };
        let many = if bytes[10] & 1 == 1 { "multicast" } else { "unicast" };
        parts.extend([
            ("time", Value::from(time)),
            ("nodeid", Value::from(node.join("-"))),
            ("macvariables", Value::from(format!("{local}:{many}"))),
            ("clocksequence", Value::from(u64::from(u16::from_be_bytes([bytes[8] & 0x3f, bytes[9]])))),
        ]);
    }
    if version == 2 {
        let domain = match bytes[9] {
            0 => "Person".to_owned(),
            1 => "Group".to_owned(),
            2 => "Org".to_owned(),
            other => format!("Domain{other}"),
        };
        let id = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        parts.extend([("domain", Value::from(domain)), ("id", Value::from(u64::from(id)))]);
    }
    Some(object(parts))
}

/// `io.jwt.decode`: header, claims, and the signature as hex. Nothing is verified.
pub(super) fn jwt(args: &[Value]) -> Value {
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
    let json = |part: &str| Value::from_json_str(std::str::from_utf8(&decode(part)?).ok()?).ok();
    let parts: Vec<&str> = text(args, 0).unwrap_or_default().split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Value::Undefined };
    match (json(header), json(claims), decode(signature)) {
        (Some(header @ Value::Object(_)), Some(claims @ Value::Object(_)), Some(signature)) => {
            Value::from(vec![header, claims, Value::from(hex(&signature))])
        }
        _ => Value::Undefined,
    }
}

/// `yaml.unmarshal`.
pub(super) fn yaml_read(args: &[Value]) -> Value {
    text(args, 0).and_then(yaml).and_then(|json| serde_json::from_value(json).ok()).unwrap_or(Value::Undefined)
}

/// `yaml.is_valid`.
pub(super) fn yaml_is_valid(args: &[Value]) -> Value {
    Value::from(text(args, 0).is_some_and(|written| yaml(written).is_some()))
}

fn yaml(text: &str) -> Option<serde_json::Value> {
    if text.len() > MAX_YAML { None } else { serde_saphyr::from_str(text).ok() }
}

/// `yaml.marshal`: a set is written as a list.
pub(super) fn yaml_write(args: &[Value]) -> Value {
    let json = args.first().and_then(|value| serde_json::to_value(value).ok());
    json.and_then(|json| serde_saphyr::to_string(&json).ok()).map_or(Value::Undefined, Value::from)
}
