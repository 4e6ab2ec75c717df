//! `net.cidr_*` that the evaluator lacks: which blocks meet, which contain which, and merging neighbours.

use super::text;
use regorus::Value;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Most blocks that are merged, and most pairs that are looked at.
const MAX_PAIRS: usize = 1_000_000;

/// A block of addresses. Version 4 sits in the upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    v6: bool,
    address: u128,
    bits: u32,
}

impl Block {
    /// `10.0.0.0/8`, or an address, which is a block of its own.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let (v6, address, width) = match address.parse().ok()? {
            IpAddr::V4(v4) => (false, u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (true, u128::from(v6), 128),
        };
        let bits: u32 = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Self { v6, address, bits })
    }
    fn mask(bits: u32) -> u128 {
        if bits == 0 { 0 } else { u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(u128::MAX) }
    }
    /// With the host's bits zero.
    fn network(self) -> Self {
        Self { address: self.address & Self::mask(self.bits), ..self }
    }
    fn contains(self, other: Self) -> bool {
        self.v6 == other.v6 && self.bits <= other.bits && (self.address ^ other.address) & Self::mask(self.bits) == 0
    }
    /// The block of both halves, where these are the halves of one.
    fn joined(self, other: Self) -> Option<Self> {
        let bits = self.bits.checked_sub(1)?;
        let whole = Self { bits, ..self }.network();
        (self.v6 == other.v6 && self.bits == other.bits && whole.contains(other)).then_some(whole)
    }
    fn write(self) -> String {
        if self.v6 {
            return format!("{}/{}", Ipv6Addr::from(self.address), self.bits);
        }
        let address = u32::try_from(self.address >> 96).unwrap_or_default();
        format!("{}/{}", Ipv4Addr::from(address), self.bits)
    }
}

/// `net.cidr_intersects` and `net.cidr_overlap`: whether two blocks have an address in common.
pub(super) fn intersects(args: &[Value]) -> Value {
    let block = |index| text(args, index).and_then(Block::parse);
    match (block(0), block(1)) {
        (Some(one), Some(other)) => Value::from(one.contains(other) || other.contains(one)),
        _ => Value::Undefined,
    }
}

/// `net.cidr_contains_matches`: pairs of what names a block and what names an address or block inside it.
pub(super) fn contains_matches(args: &[Value]) -> anyhow::Result<Value> {
    let (Some(blocks), Some(inner)) = (args.first().and_then(named), args.get(1).and_then(named)) else {
        return Ok(Value::Undefined);
    };
    if blocks.len().saturating_mul(inner.len()) > MAX_PAIRS {
        anyhow::bail!("net.cidr_contains_matches compares at most {MAX_PAIRS} pairs");
    }
    let mut found = BTreeSet::new();
    for (name, block) in &blocks {
        for (other, address) in &inner {
            if block.contains(*address) {
                found.insert(Value::from(vec![name.clone(), other.clone()]));
            }
        }
    }
    Ok(Value::from(found))
}

/// The blocks of a text or collection, each with its text, index, or key. A block may be the first of an array.
fn named(value: &Value) -> Option<Vec<(Value, Block)>> {
    let block = |value: &Value| {
        let first = value.as_array().ok().and_then(|items| items.iter().next().cloned());
        first.as_ref().unwrap_or(value).as_string().ok().and_then(|text| Block::parse(text))
    };
    match value {
        Value::String(_) => Some(vec![(value.clone(), block(value)?)]),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| Some((Value::from(index as u64), block(item)?))).collect()
        }
        Value::Set(items) => items.iter().map(|item| Some((item.clone(), block(item)?))).collect(),
        Value::Object(fields) => fields.iter_sorted().map(|(key, item)| Some((key.clone(), block(item)?))).collect(),
        _ => None,
    }
}

/// `net.cidr_merge`: the smallest set of blocks with the same addresses.
pub(super) fn merge(args: &[Value]) -> anyhow::Result<Value> {
    let items: Vec<Value> = match args.first() {
        Some(Value::Array(items)) => items.iter().cloned().collect(),
        Some(Value::Set(items)) => items.iter().cloned().collect(),
        _ => return Ok(Value::Undefined),
    };
    if items.len() > MAX_PAIRS {
        anyhow::bail!("net.cidr_merge takes at most {MAX_PAIRS} blocks");
    }
    let parsed = items.iter().map(|item| item.as_string().ok().and_then(|text| Block::parse(text)).map(Block::network));
    let Some(mut blocks) = parsed.collect::<Option<Vec<Block>>>() else { return Ok(Value::Undefined) };
    blocks.sort();
    let mut merged: Vec<Block> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        // A block joined with its neighbour may be the neighbour of the one before.
        while let Some(last) = merged.last().copied() {
            if last.contains(block) {
                block = last;
            } else if let Some(whole) = last.joined(block) {
                block = whole;
            } else {
                break;
            }
            merged.pop();
        }
        merged.push(block);
    }
    Ok(Value::from(merged.into_iter().map(|block| Value::from(block.write())).collect::<BTreeSet<_>>()))
}
