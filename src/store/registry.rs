//! Where applications and their keys are kept: beside the events, since every process that takes events in shares
//! that with all others.

use async_trait::async_trait;

use super::StoreError;
use crate::access::{KeptKey, NewApplication, Origin, Rate, Registered};
use crate::event::{Application, Timestamp};

/// A place where applications are registered.
#[async_trait]
pub trait Registry {
    /// All that is registered.
    async fn registered(&self) -> Result<Registered, StoreError>;

    /// Registers an application with its first key; `None` if there is one of that name already.
    async fn create_application(
        &self,
        application: NewApplication,
        key: KeptKey,
    ) -> Result<Option<Application>, StoreError>;

    /// Gives an application other settings; false if there is none of that name.
    async fn change_application(&self, name: String, change: Change) -> Result<bool, StoreError>;

    /// Gives an application another key, and ends those it has; false if there is none of that name.
    async fn rotate_key(&self, name: String, key: KeptKey, end: Timestamp) -> Result<bool, StoreError>;

    /// Ends the keys of an application that end later, and says how many these were; `None` if there is no such
    /// application.
    async fn end_keys(&self, name: String, end: Timestamp) -> Result<Option<u64>, StoreError>;
}

/// What is to be other than before; the rest stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its origins, all of them.
    pub origins: Option<Vec<Origin>>,
    /// Its rate, or that it has none.
    pub rate: Option<Option<Rate>>,
}

/// Origins in one text. None of them has a space.
pub(super) fn join(origins: &[Origin]) -> String {
    origins.iter().map(Origin::as_str).collect::<Vec<_>>().join(" ")
}

/// The origins of such a text. What cannot be read is none: it allows nothing.
pub(super) fn split(origins: &str) -> Vec<Origin> {
    origins.split_whitespace().filter_map(|origin| origin.parse().ok()).collect()
}
