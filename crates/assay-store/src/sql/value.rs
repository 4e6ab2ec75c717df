//! A parameter or a cell: one of the four column types, or nothing.

use assay_model::{
    Digest, Problem,
    component::ComponentId,
    decision::DecisionId,
    import::ImportId,
    package::{FileId, PackageId},
    repository::RepositoryId,
    upstream::UpstreamId,
};
use jiff::Timestamp;

/// A value of one of the column types.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// TEXT, without NUL characters.
    Text(String),
    /// BYTEA or BLOB.
    Bytes(Vec<u8>),
}

/// Refuses what one of the databases cannot keep.
pub fn check(params: &[Value]) -> Result<(), Problem> {
    let has_nul = |v: &Value| matches!(v, Value::Text(t) if t.contains('\0'));
    if params.iter().any(has_nul) {
        return Err(Problem::invalid(
            "nul-character",
            "a name or text contains a NUL character, which cannot be stored",
        ));
    }
    Ok(())
}

/// The microseconds that times are stored as.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// JSON text of anything.
pub fn json<T: serde::Serialize>(value: &T) -> Result<Value, Problem> {
    serde_json::to_string(value).map(Value::Text).map_err(|e| Problem::internal("cannot write JSON", e))
}

/// Sizes are far below 2^63; one that is not is refused rather than wrapped.
pub fn size(bytes: u64) -> Result<Value, Problem> {
    i64::try_from(bytes).map(Value::Int).map_err(|_| Problem::invalid("bad-size", "a size exceeds 2^63 bytes"))
}

macro_rules! from {
    ($($kind:ty: $v:ident => $make:expr),* $(,)?) => {
        $(impl From<$kind> for Value {
            fn from($v: $kind) -> Self {
                $make
            }
        })*
    };
}

from! {
    i64: v => Self::Int(v),
    i32: v => Self::Int(v.into()),
    u32: v => Self::Int(v.into()),
    bool: v => Self::Int(v.into()),
    f64: v => Self::Real(v),
    String: v => Self::Text(v),
    &String: v => Self::Text(v.clone()),
    &str: v => Self::Text(v.to_owned()),
    Vec<u8>: v => Self::Bytes(v),
    &Digest: v => Self::Text(v.as_str().to_owned()),
    Timestamp: v => Self::Int(micros(v)),
    RepositoryId: v => Self::Int(v.0),
    PackageId: v => Self::Int(v.0),
    FileId: v => Self::Int(v.0),
    ComponentId: v => Self::Int(v.0),
    UpstreamId: v => Self::Int(v.0),
    ImportId: v => Self::Int(v.0),
    &DecisionId: v => Self::Text(v.0.clone()),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A limit for `LIMIT`.
pub fn limit(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A list of parameters.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::sql::Value::from($value)),*] };
}
pub(crate) use params;
