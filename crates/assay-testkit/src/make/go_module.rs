//! Go modules: module zips with the sources they are given.

use anyhow::Result;

/// A module at a version.
#[derive(Clone, Debug)]
pub struct GoModule {
    path: String,
    version: String,
    requires: Vec<String>,
    files: Vec<(String, String)>,
}

impl GoModule {
    /// A module with a package of the last name in its path that has a function `Version`.
    #[must_use]
    pub fn new(path: &str, version: &str) -> Self {
        let package = path.rsplit('/').find(|part| !part.starts_with('v')).unwrap_or(path).to_lowercase();
        let source = format!("package {package}\n\nfunc Version() string {{ return \"{path} {version}\" }}\n");
        let files = vec![(format!("{package}.go"), source)];
        Self { path: path.to_owned(), version: version.to_owned(), requires: Vec::new(), files }
    }

    /// One more `require`, `path version`.
    #[must_use]
    pub fn requires(mut self, what: &str) -> Self {
        self.requires.push(what.to_owned());
        self
    }

    /// One more file.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The go.mod file.
    #[must_use]
    pub fn go_mod(&self) -> String {
        let requires: String = self.requires.iter().map(|what| format!("require {what}\n")).collect();
        format!("module {}\n\ngo 1.21\n\n{requires}", self.path)
    }

    /// The module zip.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn zip(&self) -> Result<Vec<u8>> {
        let at = format!("{}@{}", self.path, self.version);
        let mut files = vec![(format!("{at}/go.mod"), self.go_mod().into_bytes())];
        files.extend(self.files.iter().map(|(name, text)| (format!("{at}/{name}"), text.clone().into_bytes())));
        super::zip(&files)
    }

    /// Where it is published and served, below the repository.
    #[must_use]
    pub fn address(&self) -> String {
        let escape = |c: char| match c.is_ascii_uppercase() {
            true => format!("!{}", c.to_ascii_lowercase()),
            false => c.to_string(),
        };
        let path: String = self.path.chars().map(escape).collect();
        format!("{path}/@v/{}.zip", self.version)
    }
}
