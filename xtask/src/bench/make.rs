//! Large inputs that are made rather than kept: an image of many gigabytes, a bill of materials with very many components,
//! a folder of texts. The same each time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde_json::json;

const BLOCK: u64 = 512;

/// Numbers that look random and are not (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Words that make a text, no line of which looks like a secret.
const WORDS: [&str; 16] = [
    "the", "server", "answers", "with", "a", "list", "of", "packages", "and", "value", "return", "token", "for", "let",
    "key", "name",
];

fn text(numbers: &mut Numbers, bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 16);
    while text.len() < bytes {
        let number = numbers.next();
        let word = WORDS.get((number % WORDS.len() as u64) as usize).copied().unwrap_or_default();
        text.extend_from_slice(word.as_bytes());
        text.push(if number >> 60 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(bytes);
    text
}

fn noise(numbers: &mut Numbers, bytes: usize) -> Vec<u8> {
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        noise.extend_from_slice(&numbers.next().to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// A folder with `megabytes` of text in files of a megabyte.
pub fn texts(folder: &Path, megabytes: usize) -> Result<()> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for at in 0..megabytes {
        let place = folder.join(format!("src/{}", at / 50));
        std::fs::create_dir_all(&place)?;
        std::fs::write(place.join(format!("part{at}.conf")), text(&mut numbers, 1 << 20))?;
    }
    Ok(())
}

/// A bill of materials (CycloneDX 1.6) with `count` different components of four ecosystems.
pub fn bill(file: &Path, names: &[(String, String)], count: usize) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    write!(out, r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":["#)?;
    for at in 0..count {
        let (kind, name) = names.get(at % names.len().max(1)).cloned().unwrap_or_default();
        let version = format!("{}.{}.{}", at / names.len().max(1) % 7, at % 11, at % 5);
        let purl = format!("pkg:{kind}/{name}@{version}");
        let component =
            json!({"type": "library", "bom-ref": format!("{at}"), "name": name, "version": version, "purl": purl});
        write!(out, "{}{component}", if at == 0 { "" } else { "," })?;
    }
    write!(out, "]}}")?;
    Ok(out.flush()?)
}

/// An image as `docker save` writes it, with `layers` layers of `files` files of a megabyte each: half texts, half not.
pub fn image(file: &Path, layers: usize, files: usize) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let (words, other) = (text(&mut numbers, 1 << 20), noise(&mut numbers, 1 << 20));
    let mut names = Vec::new();
    for layer in 0..layers {
        let name = format!("{layer:064x}/layer.tar");
        let size = files as u64 * (BLOCK + (1 << 20)) + 2 * BLOCK;
        header(&mut out, &name, size)?;
        for at in 0..files {
            header(&mut out, &format!("srv/{layer}/{at}.dat"), 1 << 20)?;
            // Each file begins differently, so that no two are the same.
            let mark = format!("{layer:08}{at:08}");
            let body = if at % 2 == 0 { &words } else { &other };
            out.write_all(mark.as_bytes())?;
            out.write_all(body.get(mark.len()..).unwrap_or_default())?;
        }
        out.write_all(&[0; 2 * BLOCK as usize])?;
        names.push(name);
    }
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).to_string();
    let manifest = json!([{"Config": "config.json", "RepoTags": ["large:1"], "Layers": names}]).to_string();
    for (name, bytes) in [("config.json", config), ("manifest.json", manifest)] {
        header(&mut out, name, bytes.len() as u64)?;
        out.write_all(bytes.as_bytes())?;
        let gap = (BLOCK - bytes.len() as u64 % BLOCK) % BLOCK;
        out.write_all(&vec![0; usize::try_from(gap)?])?;
    }
    out.write_all(&[0; 2 * BLOCK as usize])?;
    Ok(out.flush()?)
}

/// A header of a regular file (POSIX ustar).
fn header(out: &mut impl Write, name: &str, size: u64) -> Result<()> {
    let mut header = [0_u8; BLOCK as usize];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = header.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Ok(out.write_all(&header)?)
}
