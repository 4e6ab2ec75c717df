//! The lobby: requests of a format that name no repository.

use crate::Engine;
use assay_model::{
    access::{Caller, Permission},
    problem::Problem,
    seam::{
        Task,
        format::{Format, Lobby},
        meta,
    },
};
use std::sync::Arc;

/// The lobby of one format for one caller.
pub struct EngineLobby {
    engine: Arc<Engine>,
    format: &'static dyn Format,
    caller: Caller,
    open: bool,
}

impl Engine {
    /// The lobby for a caller.
    ///
    /// # Errors
    /// Only from the store.
    pub async fn lobby(self: &Arc<Self>, format: &'static dyn Format, caller: Caller) -> Result<EngineLobby, Problem> {
        let open = match caller {
            Caller::Anonymous => meta::read(self.meta(), |tx| tx.repositories())
                .await?
                .iter()
                .any(|repository| repository.settings.anonymous_read),
            _ => true,
        };
        Ok(EngineLobby { engine: self.clone(), format, caller, open })
    }
}

impl Lobby for EngineLobby {
    fn enter(&self) -> Result<(), Problem> {
        if self.open {
            return Ok(());
        }
        Err(Problem::new(assay_model::Kind::Unauthenticated, "unauthenticated", "authentication required"))
    }

    fn names<'a>(&'a self, after: Option<&'a str>, limit: usize) -> Task<'a, Vec<String>> {
        Box::pin(async move {
            self.enter()?;
            let (caller, format) = (self.caller.clone(), self.format.spec().id);
            let after = after.map(str::to_owned);
            meta::read(self.engine.meta(), move |tx| {
                let mut names = Vec::new();
                for repository in tx.repositories()? {
                    if caller.require(Permission::Read, &repository).is_err() {
                        continue;
                    }
                    let after = match after.as_deref().and_then(|a| a.split_once('/')) {
                        Some((place, _)) if repository.name.as_str() < place => continue,
                        Some((place, name)) if repository.name == place => Some(name),
                        _ => None,
                    };
                    let missing = limit.saturating_sub(names.len());
                    let found = tx.package_names(repository.id, format, after, missing)?;
                    names.extend(found.into_iter().map(|name| format!("{}/{name}", repository.name)));
                }
                Ok(names)
            })
            .await
        })
    }
}
