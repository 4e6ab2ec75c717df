//! Who signed a package, and whether that holds.

use assay_model::health::Signature;

/// One signature or statement.
pub(super) struct SignatureLine {
    /// Class of the mark, and its word.
    pub(super) mark: (&'static str, &'static str),
    pub(super) kind: String,
    pub(super) form: String,
    pub(super) signer: String,
    pub(super) issuer: Option<String>,
    /// Where it was built from and by whom, or why it does not hold.
    pub(super) about: String,
    pub(super) path: String,
}

impl SignatureLine {
    pub(super) fn of(one: Signature) -> Self {
        let mark = match one.verified {
            Some(true) => ("state-available", "verified"),
            Some(false) => ("state-quarantined", "not verified"),
            None => ("state-pending", "not checked"),
        };
        let built = [("from", &one.source), ("at", &one.commit), ("by", &one.builder)];
        let mut about: Vec<String> =
            built.into_iter().filter_map(|(word, text)| Some(format!("{word} {}", text.as_ref()?))).collect();
        match (&one.detail, one.verified) {
            (Some(why), _) => about.push(why.clone()),
            (None, None) => about.push("nobody is trusted who could have signed it".to_owned()),
            _ => {}
        }
        Self {
            mark,
            kind: one.kind,
            form: one.form,
            signer: one.signer.unwrap_or_default(),
            issuer: one.issuer,
            about: about.join(", "),
            path: one.path,
        }
    }
}
