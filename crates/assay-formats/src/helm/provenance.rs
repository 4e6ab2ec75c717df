//! Provenance files: a clear-signed message that holds a Chart.yaml and the digest of the chart's file. The signature
//! itself is checked by `helm verify` with the keys that its user trusts; here the digest is compared. Pure.

use super::{
    names,
    yaml::{self, Bounds},
};
use assay_model::Problem;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Largest provenance file, in bytes.
pub(super) const LARGEST: usize = 2 << 20;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

#[derive(Deserialize)]
struct Sums {
    files: BTreeMap<String, String>,
}

/// File names and their SHA-256 (lower-case hex), as the signed message lists them.
///
/// # Errors
/// `Invalid` when it is no such message.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, Problem> {
    let wrong =
        |why: &str| Problem::invalid("bad-provenance", format!("this is not a provenance file of a chart: {why}"));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let message = text.split_once(BEGIN).ok_or_else(|| wrong("there is no signed message"))?.1;
    let message = message.split_once(SIGNATURE).ok_or_else(|| wrong("there is no signature"))?.0;
    // Headers end at the first empty line; lines that begin with a dash are escaped by another one.
    let lines = message.lines().skip(1).skip_while(|line| !line.trim().is_empty()).skip(1);
    let plain = lines.map(|line| line.strip_prefix("- ").filter(|rest| rest.starts_with('-')).unwrap_or(line));
    let mut sums = plain.skip_while(|line| line.trim_end() != "...").skip(1).collect::<Vec<_>>().join("\n");
    sums.push('\n');
    let bounds = Bounds { nodes: 1000, bytes: 64 << 10 };
    let sums: Sums = yaml::read(&sums, bounds).map_err(|error| wrong(&format!("its list of files: {error}")))?;
    let hex = |sum: &str| sum.strip_prefix("sha256:").map(str::to_ascii_lowercase);
    let files = sums.files.into_iter().filter_map(|(name, sum)| Some((name, hex(&sum)?)));
    let files: BTreeMap<String, String> = files.filter(|(name, _)| !names::readings(name).is_empty()).collect();
    match files.is_empty() {
        true => Err(wrong("it lists no chart with a SHA-256")),
        false => Ok(files),
    }
}
