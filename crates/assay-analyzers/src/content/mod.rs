//! What files contain beside components: secrets and licences. Asked for every file of a tree, in one pass over its bytes.

pub(crate) mod licenses;
pub(crate) mod secrets;

use std::io::{self, Cursor, Read};

use assay_model::inventory::{ImageFacts, Inventory, Secret, Skipped};

use crate::part::LIMIT;
use secrets::SecretRules;

/// Raised when what is found changes; inventories made by older ones can be made again.
pub(crate) const SECRETS_REVISION: &str = "secrets/1";
pub(crate) const LICENSES_REVISION: &str = "licenses/1";

/// Secrets and licences that are told of one artifact or layer. More are counted, not told.
const SECRETS: usize = 2000;
const LICENSES: usize = 5000;

/// Looks into the files of one tree.
pub(crate) struct Content {
    rules: Option<&'static SecretRules>,
    secrets: bool,
    licenses: bool,
    more_secrets: u64,
    more_licenses: u64,
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    secrets: bool,
    header: bool,
    text: bool,
}

impl Wanted {
    pub(crate) fn any(self) -> bool {
        self.secrets || self.header || self.text
    }
}

impl Content {
    pub(crate) fn new(secrets: bool, licenses: bool) -> Self {
        // The built-in rules are readable: a test reads them all.
        let rules = if secrets || licenses { SecretRules::builtin().ok() } else { None };
        Self { rules, secrets, licenses, more_secrets: 0, more_licenses: 0 }
    }

    /// Told by name alone. `path` is the one inside of the innermost archive.
    pub(crate) fn wants(&self, path: &str) -> Wanted {
        let text = self.licenses && licenses::is_license_file(path);
        // Headers of what is of no interest otherwise are not worth opening it.
        let readable = self.rules.is_some_and(|rules| rules.wants(path));
        Wanted { secrets: self.secrets && readable, header: self.licenses && readable && !text, text }
    }

    /// Reads the file once and adds what is in it. `path` is the one that is told.
    pub(crate) fn look(
        &mut self,
        path: &str,
        inner: &str,
        wanted: Wanted,
        body: &mut dyn Read,
        out: &mut Inventory,
    ) -> io::Result<()> {
        let mut first = Vec::new();
        if wanted.text {
            body.take(licenses::TEXT_BYTES).read_to_end(&mut first)?;
            let text = String::from_utf8_lossy(&first);
            self.add_licenses(licenses::in_text(path, &text), out);
        } else if wanted.header {
            body.take(licenses::HEAD_BYTES).read_to_end(&mut first)?;
            self.add_licenses(licenses::in_head(path, &first).into_iter().collect(), out);
        }
        let Some(rules) = self.rules.filter(|_| wanted.secrets) else { return Ok(()) };
        let outcome = secrets::search(rules, inner, &mut Cursor::new(first).chain(body))?;
        if let Some(detail) = outcome.limit {
            out.skipped.push(Skipped { path: path.to_owned(), reason: LIMIT.to_owned(), detail });
        }
        for found in outcome.secrets {
            if out.secrets.len() < SECRETS {
                out.secrets.push(Secret { path: path.to_owned(), ..found });
            } else {
                self.more_secrets += 1;
            }
        }
        Ok(())
    }

    fn add_licenses(&mut self, found: Vec<assay_model::inventory::LicenseFile>, out: &mut Inventory) {
        for one in found {
            if out.licenses.len() < LICENSES {
                out.licenses.push(one);
            } else {
                self.more_licenses += 1;
            }
        }
    }

    /// Says what was found and not told.
    pub(crate) fn finish(&self, out: &mut Inventory) {
        for (more, what) in [(self.more_secrets, "secrets"), (self.more_licenses, "licences")] {
            if more > 0 {
                let detail = format!("{more} more {what} were found and are not told");
                out.skipped.push(Skipped { path: String::new(), reason: LIMIT.to_owned(), detail });
            }
        }
    }
}

/// Takes the secrets out of what an image says of itself (environment, commands, labels, history), and tells them.
#[must_use]
pub fn image_secrets(facts: &mut ImageFacts) -> Vec<Secret> {
    SecretRules::builtin().map(|rules| secrets::in_image(rules, facts)).unwrap_or_default()
}
