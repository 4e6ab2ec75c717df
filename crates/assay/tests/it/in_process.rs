//! An engine in the process of the test: what stands for its messenger and its vault.

use assay_model::{
    Problem,
    notification::Message,
    seam::{
        Task,
        notices::{Messenger, Receipt, Target},
        upstream::Vault,
    },
    upstream::Secrets,
};
use std::sync::{Arc, Mutex};

/// Keeps what it is given, and takes it.
#[derive(Clone, Default)]
pub struct Receiver(Arc<Mutex<Vec<Message>>>);

impl Receiver {
    /// Everything it was given.
    pub fn all(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }
    /// What a channel was told.
    pub fn of(&self, channel: &str) -> Vec<Message> {
        self.all().into_iter().filter(|message| message.channel == channel).collect()
    }
}

impl Messenger for Receiver {
    fn send<'a>(&'a self, _: Target<'a>, message: &'a Message) -> Task<'a, Receipt> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(async { Ok(Receipt { taken: true, ..Receipt::default() }) })
    }
    fn check(&self, _: Target<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

/// There are no secrets here.
pub struct Empty;

impl Vault for Empty {
    fn seal(&self, _: &Secrets) -> Result<Vec<u8>, Problem> {
        Ok(Vec::new())
    }
    fn open(&self, _: &[u8]) -> Result<Secrets, Problem> {
        Ok(Secrets::default())
    }
}
