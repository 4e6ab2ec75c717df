//! Tiny wheels: one module, metadata, and a `RECORD` that pip and uv verify.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{sha256, zip};

/// A wheel to be made.
#[derive(Clone, Debug)]
pub struct Wheel {
    name: String,
    version: String,
    requires: Vec<String>,
    metadata: Vec<String>,
    description: String,
    files: Vec<(String, Vec<u8>)>,
    tag: String,
}

/// A finished Python distribution.
#[derive(Clone, Debug)]
pub struct Built {
    /// As given.
    pub name: String,
    /// As given.
    pub version: String,
    /// The file's name by the specification of its kind.
    pub file_name: String,
    /// `bdist_wheel` or `sdist`, as upload clients say it.
    pub file_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its digest, lower-case hex.
    pub sha256: String,
}

impl Built {
    pub(crate) fn new(name: &str, version: &str, file_name: String, file_type: &'static str, bytes: Vec<u8>) -> Self {
        let sha256 = sha256(&bytes);
        Self { name: name.to_owned(), version: version.to_owned(), file_name, file_type, bytes, sha256 }
    }

    /// Writes it into a folder under its name; the answer is the path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_to(&self, folder: &std::path::Path) -> Result<std::path::PathBuf> {
        let path = folder.join(&self.file_name);
        std::fs::write(&path, &self.bytes)?;
        Ok(path)
    }
}

impl Wheel {
    /// A pure Python wheel with one module that prints its version when run.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            requires: Vec::new(),
            metadata: Vec::new(),
            description: String::new(),
            files: Vec::new(),
            tag: "py3-none-any".to_owned(),
        }
    }

    /// A dependency, as in `Requires-Dist`.
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        self.requires.push(requirement.to_owned());
        self
    }

    /// One more line of metadata, such as `License-Expression: MIT`.
    #[must_use]
    pub fn metadata(mut self, line: &str) -> Self {
        self.metadata.push(line.to_owned());
        self
    }

    /// The text after the metadata.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// One more file, by its path in the archive.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), bytes.into()));
        self
    }

    /// Another compatibility tag than `py3-none-any`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// `METADATA` as it stands in the wheel.
    #[must_use]
    pub fn metadata_text(&self) -> String {
        metadata_text(&self.name, &self.version, &self.requires, &self.metadata, &self.description)
    }

    /// Makes it.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn build(&self) -> Result<Built> {
        let escaped = escaped(&self.name);
        let info = format!("{escaped}-{}.dist-info", self.version);
        let module = format!("VERSION = {:?}\n\nif __name__ == \"__main__\":\n    print(VERSION)\n", self.version);
        let mut files = vec![(format!("{escaped}.py"), module.into_bytes())];
        files.extend(self.files.iter().cloned());
        files.push((format!("{info}/METADATA"), self.metadata_text().into_bytes()));
        let wheel = format!("Wheel-Version: 1.0\nGenerator: assay-testkit\nRoot-Is-Purelib: true\nTag: {}\n", self.tag);
        files.push((format!("{info}/WHEEL"), wheel.into_bytes()));
        let record_path = format!("{info}/RECORD");
        let mut record = String::new();
        for (path, bytes) in &files {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
            record.push_str(&format!("{path},sha256={digest},{}\n", bytes.len()));
        }
        record.push_str(&format!("{record_path},,\n"));
        files.push((record_path, record.into_bytes()));
        let file_name = format!("{escaped}-{}-{}.whl", self.version, self.tag);
        Ok(Built::new(&self.name, &self.version, file_name, "bdist_wheel", zip(&files)?))
    }
}

/// The name as file names carry it: normalised, with `_` for `-`.
pub(crate) fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        let c = if matches!(c, '-' | '_' | '.') { '_' } else { c.to_ascii_lowercase() };
        if c != '_' || !text.ends_with('_') {
            text.push(c);
        }
    }
    text
}

pub(crate) fn metadata_text(
    name: &str,
    version: &str,
    requires: &[String],
    lines: &[String],
    description: &str,
) -> String {
    let mut text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    for requirement in requires {
        text.push_str(&format!("Requires-Dist: {requirement}\n"));
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    if !description.is_empty() {
        text.push_str(&format!("\n{description}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Wheel;

    #[test]
    fn names_follow_the_specification() -> anyhow::Result<()> {
        let built = Wheel::new("My.Tiny--Pkg", "1.0").requires("idna>=2").build()?;
        assert_eq!(built.file_name, "my_tiny_pkg-1.0-py3-none-any.whl");
        assert_eq!(built.bytes, Wheel::new("My.Tiny--Pkg", "1.0").requires("idna>=2").build()?.bytes);
        Ok(())
    }
}
