//! The numbers that the store has given to sessions, kinds and applications, as far as they are remembered. It
//! remembers what it is told, which has to be committed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::event::{Application, EventKind};

/// Sessions that are remembered, about 100 bytes each.
const SESSIONS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not nought");

/// What is remembered. Kinds are few.
#[derive(Debug)]
pub(super) struct Numbers {
    sessions: LruCache<String, i64>,
    /// By the number of the application, 0 for none.
    kinds: HashMap<u32, HashMap<Arc<EventKind>, i64>>,
    applications: HashMap<u32, Arc<Application>>,
    /// The generation of sessions that it is true of, if any is remembered.
    generation: Option<i64>,
}

impl Default for Numbers {
    fn default() -> Self {
        let (kinds, applications) = Default::default();
        Self { sessions: LruCache::new(SESSIONS), kinds, applications, generation: None }
    }
}

impl Numbers {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The generation of what is remembered.
    pub(super) fn generation(&self) -> Option<i64> {
        self.generation
    }

    /// Begins with a generation, if none was begun; says which one it is.
    pub(super) fn begin(&mut self, generation: i64) -> i64 {
        *self.generation.get_or_insert(generation)
    }

    /// Forgets the sessions of other generations.
    pub(super) fn go_on(&mut self, generation: i64) {
        if self.generation != Some(generation) {
            self.sessions.clear();
            self.generation = Some(generation);
        }
    }

    pub(super) fn session(&mut self, session_id: &str) -> Option<i64> {
        self.sessions.get(session_id).copied()
    }

    pub(super) fn kind(&self, application: u32, kind: &EventKind) -> Option<i64> {
        self.kinds.get(&application)?.get(kind).copied()
    }

    pub(super) fn knows(&self, application: &Arc<Application>) -> bool {
        self.applications.get(&application.number.get()) == Some(application)
    }

    /// Remembers sessions that were looked up in a generation, if it is still that.
    pub(super) fn remember_sessions(&mut self, generation: i64, sessions: impl IntoIterator<Item = (String, i64)>) {
        if self.generation == Some(generation) {
            for (session_id, number) in sessions {
                self.sessions.put(session_id, number);
            }
        }
    }

    pub(super) fn remember_kind(&mut self, application: u32, kind: Arc<EventKind>, number: i64) {
        self.kinds.entry(application).or_default().insert(kind, number);
    }

    pub(super) fn remember_application(&mut self, application: Arc<Application>) {
        self.applications.insert(application.number.get(), application);
    }
}
