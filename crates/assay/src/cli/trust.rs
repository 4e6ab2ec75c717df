//! `assay trust`: who is trusted to sign packages.

use super::{
    Context,
    look::{Sheet, Text, count, harmless, short},
    text,
};
use anyhow::{Context as _, Result, bail};
use assay_engine::{TrustChange, TrustDraft};
use assay_model::trust::{TrustKind, TrustScope, Trusted};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{path::PathBuf, process::ExitCode};

/// The largest file of keys that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// List who is trusted
    List,
    /// Trust a key, an authority or a log; what is signed by it is decided again
    Add(Box<AddArgs>),
    /// Trust somebody no more; what only they signed is decided again
    Remove {
        /// Name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name, as it stands where a signature is by it
    name: String,
    #[command(flatten)]
    what: What,
    /// With --ca: whose certificates count, an e-mail address or URI with *; may be repeated
    #[arg(long, value_name = "PATTERN", requires = "ca")]
    identity: Vec<String>,
    /// With --ca: who must have vouched for the identity (OpenID Connect issuer), with *; may be repeated
    #[arg(long, value_name = "PATTERN", requires = "ca")]
    issuer: Vec<String>,
    /// With --ca: a trusted log must have promised to keep the signature while its certificate was valid
    #[arg(long, requires = "ca")]
    logged: bool,
    /// Only in repositories with this name, with *; may be repeated
    #[arg(long, short, value_name = "PATTERN")]
    repository: Vec<String>,
    /// Only for packages format:name, with *; may be repeated
    #[arg(long, value_name = "PATTERN")]
    package: Vec<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A public key: ECDSA (P-256, P-384, P-521), Ed25519 or RSA, in PEM
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Certificates of an authority that certifies signers (a Fulcio of your own), in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The public key of a transparency log (Rekor), in PEM
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Keys of an npm registry as it gives them under /-/npm/v1/keys, saved to a file; each is kept as NAME-1, NAME-2, ...
    #[arg(long, value_name = "FILE")]
    npm_keys: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, command: TrustCommand) -> Result<ExitCode> {
    match command {
        TrustCommand::List => list(context).await?,
        TrustCommand::Add(args) => add(context, *args).await?,
        TrustCommand::Remove { name } => {
            let answer = context.client()?.remove(&["trust", &name]).await?;
            told(context, vec![answer])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl AddArgs {
    fn drafts(self) -> Result<Vec<TrustDraft>> {
        let What { key, ca, log, npm_keys } = &self.what;
        let (kind, path) = match (key, ca, log, npm_keys) {
            (Some(path), ..) => (TrustKind::Key, path),
            (_, Some(path), ..) => (TrustKind::Authority, path),
            (_, _, Some(path), _) => (TrustKind::Log, path),
            (.., Some(path)) => (TrustKind::Key, path),
            _ => bail!("name a file with --key, --ca, --log or --npm-keys"),
        };
        let text = text::read(path, MAX_BYTES, ": that is no key")?;
        let named = match npm_keys {
            Some(_) => registry_keys(&text)?
                .into_iter()
                .enumerate()
                .map(|(at, pem)| (format!("{}-{}", self.name, at + 1), pem))
                .collect(),
            None => vec![(self.name.clone(), text)],
        };
        let scope = TrustScope { repositories: self.repository, packages: self.package };
        let draft = |(name, pem)| TrustDraft {
            name,
            kind,
            pem,
            identities: self.identity.clone(),
            issuers: self.issuer.clone(),
            logged: self.logged,
            scope: scope.clone(),
        };
        Ok(named.into_iter().map(draft).collect())
    }
}

/// The keys in a registry's document, as PEM.
fn registry_keys(text: &str) -> Result<Vec<String>> {
    let document: Value = serde_json::from_str(text).context("the file of keys is no JSON")?;
    let keys = document["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pem = |key: &Value| {
        let der = key["key"].as_str().context("a key has no `key`")?;
        let lines: Vec<&str> = der.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
    };
    if keys.is_empty() {
        bail!("there are no `keys` in that file");
    }
    keys.iter().map(pem).collect()
}

async fn add(context: &Context, args: AddArgs) -> Result<()> {
    let client = context.client()?;
    let mut answers = Vec::new();
    for draft in args.drafts()? {
        answers.push(client.post(&["trust"], &serde_json::to_value(draft)?).await?);
    }
    told(context, answers)
}

fn told(context: &Context, answers: Vec<Value>) -> Result<()> {
    if context.out.json {
        return context.out.data(&match <[Value; 1]>::try_from(answers) {
            Ok([one]) => one,
            Err(several) => json!(several),
        });
    }
    for answer in answers {
        let change: TrustChange = serde_json::from_value(answer).context("the server's answer is not understood")?;
        let again = count(change.packages as u64, "package is", "packages are");
        let one = &change.trusted;
        context.out.text(&format!(
            "{} {} ({} {}) is {}; {again} decided again",
            one.kind.as_str(),
            harmless(&one.name),
            one.algorithm,
            one.fingerprint,
            change.change
        ))?;
    }
    Ok(())
}

async fn list(context: &Context) -> Result<()> {
    let mut answer: Value = context.client()?.get(&["trust"], &[]).await?;
    if context.out.json {
        return context.out.data(&answer);
    }
    let rows = answer.get_mut("trusted").map(Value::take).unwrap_or_default();
    let rows: Vec<Trusted> = serde_json::from_value(rows).context("the server's answer is not understood")?;
    if rows.is_empty() {
        return context.out.text("nobody is trusted to sign; `assay trust add NAME --key FILE` trusts a key");
    }
    let mut sheet = Sheet::new(&["NAME", "KIND", "ALGORITHM", "FINGERPRINT", "IDENTITIES", "ISSUERS", "FOR"]);
    for one in &rows {
        let scope: Vec<&str> = one.scope.repositories.iter().chain(&one.scope.packages).map(String::as_str).collect();
        sheet.row([
            Text::from(&one.name),
            one.kind.as_str().into(),
            one.algorithm.as_str().into(),
            one.fingerprint.as_str().into(),
            short(&one.identities.join(", ")).into(),
            short(&one.issuers.join(", ")).into(),
            if scope.is_empty() { "everything".into() } else { short(&scope.join(", ")).into() },
        ]);
    }
    context.out.text(&sheet.render(context.out.look))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::registry_keys;

    #[test]
    fn keys_of_a_registry_become_pem() {
        let long = "A".repeat(70);
        let pems = registry_keys(&format!(r#"{{"keys": [{{"keyid": "SHA256:x", "key": "{long}"}}]}}"#)).unwrap();
        let lines: Vec<usize> = pems[0].lines().map(str::len).collect();
        assert_eq!((pems.len(), lines), (1, vec![26, 64, 6, 24]));
        for wrong in ["{}", "[", r#"{"keys": [{}]}"#] {
            assert!(registry_keys(wrong).is_err(), "{wrong}");
        }
    }
}
