//! Secrets at rest: AES-256-GCM under a key that the installation makes once (`secret.key` in the data directory) or that
//! is configured, which several nodes on one database need.

use anyhow::{Context as _, Result, bail};
use assay_model::{
    problem::{Kind, Problem},
    seam::{
        meta::{self, MetaStore},
        upstream::Vault,
    },
    upstream::Secrets,
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::PathBuf,
    sync::OnceLock,
};

const FILE: &str = "secret.key";
/// What is sealed, so that nothing else under the same key can stand in for it.
const PURPOSE: &[u8] = b"assay upstream secrets 1";
/// First byte of what is sealed.
const VERSION: u8 = 1;
/// Bytes that tell keys apart.
const MARK: usize = 8;
const NONCE: usize = 12;
/// Shortest text that is taken for a key.
const SHORTEST: usize = 32;

struct Key {
    aead: RandomizedNonceKey,
    mark: [u8; MARK],
}

/// Seals with the installation's key, which is read when it is first needed, and made when something is first sealed.
pub struct KeyVault {
    configured: Option<String>,
    file: PathBuf,
    key: OnceLock<Key>,
}

impl Key {
    /// From 64 hexadecimal digits, as the file has them, or from any long text.
    fn from_text(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() < SHORTEST {
            bail!("a secret key must have at least {SHORTEST} characters; `openssl rand -hex 32` makes a good one");
        }
        let bytes = match hex::decode(text) {
            Ok(bytes) if bytes.len() == 32 => bytes,
            _ => Sha256::digest(text.as_bytes()).to_vec(),
        };
        let mut mark = [0; MARK];
        let digest = Sha256::new().chain_update(b"mark of a secret key").chain_update(&bytes).finalize();
        mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let aead = RandomizedNonceKey::new(&AES_256_GCM, &bytes).context("the secret key cannot be used")?;
        Ok(Self { aead, mark })
    }
}

impl KeyVault {
    /// Over a configured key, or else over the file in the data directory.
    pub fn new(configured: &str, data: &std::path::Path) -> Self {
        let configured = Some(configured.trim().to_owned()).filter(|k| !k.is_empty());
        Self { configured, file: data.join(FILE), key: OnceLock::new() }
    }

    fn key(&self, make: bool) -> Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let text = match &self.configured {
            Some(text) => text.clone(),
            None => self.read(make)?,
        };
        let key = Key::from_text(&text).with_context(|| format!("{} is no secret key", self.place()))?;
        Ok(self.key.get_or_init(|| key))
    }

    fn place(&self) -> String {
        match self.configured {
            Some(_) => "`secret_key`".to_owned(),
            None => self.file.display().to_string(),
        }
    }

    fn read(&self, make: bool) -> Result<String> {
        let shown = self.file.display();
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound && make => {
                self.make().with_context(|| format!("cannot write the secret key {shown}"))?;
                fs::read_to_string(&self.file).with_context(|| format!("cannot read the secret key {shown}"))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read the secret key {shown}")),
        }
    }

    /// Writes a new key for its owner alone. Of several processes that do so at once, one wins, and all use its key.
    fn make(&self) -> Result<()> {
        let mut bytes = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut bytes).context("the system gives no random bytes")?;
        let folder = self.file.parent().context("a data directory")?;
        // a temporary file is readable by its owner only
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", hex::encode(bytes))?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&self.file) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error.into()),
            _ => Ok(()),
        }
    }

    /// Checks that this node can open what the database keeps: nodes that share one must share the key as soon as there
    /// are secrets.
    ///
    /// # Errors
    /// When the database is shared, has secrets that this node cannot open, and no key is configured.
    pub async fn check(&self, store: &dyn MetaStore, shared: bool) -> Result<()> {
        for (repository, name, problem) in self.unreadable(store).await? {
            tracing::error!(repository, upstream = name, %problem, "the secrets of an upstream cannot be read");
            if shared && self.configured.is_none() {
                bail!(
                    "other nodes on this database seal the secrets of upstreams with another key than {}; give all nodes the \
                     same one: set `secret_key` (ASSAY_SECRET_KEY) to the content of {FILE} of the first node",
                    self.place()
                );
            }
        }
        Ok(())
    }

    async fn unreadable(&self, store: &dyn MetaStore) -> Result<Vec<(String, String, Problem)>, Problem> {
        let sealed = meta::read(store, |tx| {
            let mut all = Vec::new();
            for repository in tx.repositories()? {
                for upstream in tx.upstreams(repository.id)? {
                    all.push((repository.name.clone(), upstream.name, tx.upstream_secrets(upstream.id)?));
                }
            }
            Ok(all)
        })
        .await?;
        Ok(sealed.into_iter().filter_map(|(r, name, bytes)| Some((r, name, self.open(&bytes).err()?))).collect())
    }
}

fn no_key(error: anyhow::Error) -> Problem {
    Problem::internal(format!("{error:#}"), error)
}

fn foreign(message: impl Into<String>) -> Problem {
    Problem::new(Kind::Internal, "sealed-otherwise", message)
}

impl Vault for KeyVault {
    fn seal(&self, secrets: &Secrets) -> Result<Vec<u8>, Problem> {
        if secrets.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key(true).map_err(no_key)?;
        let mut text = serde_json::to_vec(secrets).map_err(|e| Problem::internal("cannot write JSON", e))?;
        let nonce = key
            .aead
            .seal_in_place_append_tag(Aad::from(PURPOSE), &mut text)
            .map_err(|e| Problem::internal("cannot seal secrets", e.to_string()))?;
        Ok([&[VERSION][..], &key.mark, nonce.as_ref(), &text].concat())
    }

    fn open(&self, sealed: &[u8]) -> Result<Secrets, Problem> {
        if sealed.is_empty() {
            return Ok(Secrets::default());
        }
        let key = self.key(false).map_err(no_key)?;
        let damaged = || foreign("the stored secrets of the upstream are damaged; give it its credentials again");
        let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (mark, rest) = rest.split_at_checked(MARK).ok_or_else(damaged)?;
        let (nonce, text) = rest.split_at_checked(NONCE).ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(foreign("the secrets of the upstream were sealed by a newer version"));
        }
        if mark != key.mark {
            return Err(foreign(format!(
                "the secrets of the upstream were sealed with another key than {}; set `secret_key` (ASSAY_SECRET_KEY) to \
                 the key of the node that stored them, or give the upstream its credentials again",
                self.place()
            )));
        }
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut text = text.to_vec();
        let plain = key.aead.open_in_place(nonce, Aad::from(PURPOSE), &mut text).map_err(|_| damaged())?;
        serde_json::from_slice(plain).map_err(|_| damaged())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use assay_model::{
        repository::Settings,
        upstream::{NewUpstream, UpstreamSettings},
    };
    use std::os::unix::fs::PermissionsExt as _;

    fn secrets() -> Secrets {
        Secrets {
            username: "me".into(),
            password: "pa\u{df}word".into(),
            headers: [("x-key".to_owned(), "k".to_owned())].into(),
            ..Secrets::default()
        }
    }

    #[test]
    fn what_is_sealed_comes_back_and_cannot_be_read_without_the_key() {
        let data = tempfile::tempdir().unwrap();
        let vault = KeyVault::new("", data.path());
        let sealed = vault.seal(&secrets()).unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"word"));
        assert_ne!(sealed, vault.seal(&secrets()).unwrap());
        assert!(vault.open(&sealed).unwrap() == secrets());
        // another process
        assert!(KeyVault::new("", data.path()).open(&sealed).unwrap() == secrets());
        let mode = fs::metadata(data.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // the file's content, configured
        let text = fs::read_to_string(data.path().join(FILE)).unwrap();
        assert!(KeyVault::new(&text, std::path::Path::new("/nowhere")).open(&sealed).unwrap() == secrets());
    }

    #[test]
    fn any_change_is_noticed() {
        let data = tempfile::tempdir().unwrap();
        let vault = KeyVault::new("", data.path());
        let sealed = vault.seal(&secrets()).unwrap();
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(vault.open(&other).is_err(), "byte {at}");
            assert!(vault.open(sealed.get(..at.max(1)).unwrap()).is_err());
        }
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let data = tempfile::tempdir().unwrap();
        let one = KeyVault::new("the first secret of thirty-two letters", data.path());
        let two = KeyVault::new("another secret of thirty-two letters!!", data.path());
        let problem = two.open(&one.seal(&secrets()).unwrap()).unwrap_err();
        assert!(problem.message.contains("ASSAY_SECRET_KEY"), "{problem}");
        assert!(!data.path().join(FILE).exists(), "a configured key makes no file");
        let short = KeyVault::new("short", data.path()).seal(&secrets()).unwrap_err();
        assert!(short.message.contains("at least 32"), "{short}");
    }

    #[test]
    fn no_secrets_need_no_key() {
        let data = tempfile::tempdir().unwrap();
        let vault = KeyVault::new("", data.path());
        assert!(vault.seal(&Secrets::default()).unwrap().is_empty());
        assert!(vault.open(&[]).unwrap().is_empty());
        assert!(!data.path().join(FILE).exists());
        let missing = vault.open(&[1; 60]).unwrap_err();
        assert!(missing.message.contains(FILE), "{missing}");
    }

    #[tokio::test]
    async fn nodes_that_share_a_database_must_share_the_key() {
        let data = tempfile::tempdir().unwrap();
        let store = assay_store::open_meta(&format!("sqlite:{}/m.db", data.path().display())).await.unwrap();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, two] = folders.each_ref().map(|folder| KeyVault::new("", folder.path()));
        two.check(&*store, true).await.unwrap();
        let sealed = one.seal(&secrets()).unwrap();
        meta::write(&*store, move |tx| {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let repository = tx.create_repository("main", &Settings::default(), at)?.id;
            let settings = UpstreamSettings { url: "https://registry.example".into(), ..Default::default() };
            let draft = NewUpstream { repository, format: "x".into(), name: "far".into(), priority: 1, settings };
            let added = tx.add_upstream(&draft)?;
            tx.put_upstream_secrets(added.id, &sealed)
        })
        .await
        .unwrap();
        one.check(&*store, true).await.unwrap();
        let refused = two.check(&*store, true).await.unwrap_err().to_string();
        assert!(refused.contains("ASSAY_SECRET_KEY"), "{refused}");
        let text = fs::read_to_string(folders[0].path().join(FILE)).unwrap();
        KeyVault::new(&text, folders[1].path()).check(&*store, true).await.unwrap();
        two.check(&*store, false).await.unwrap();
    }
}
