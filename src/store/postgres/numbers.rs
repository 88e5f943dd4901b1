//! The numbers that the store has given to sessions and kinds, as far as they are remembered. It
//! remembers what it is told, which has to be committed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::event::EventKind;

/// Sessions that are remembered, about 100 bytes each.
const SESSIONS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not nought");

/// What is remembered. Kinds are few.
#[derive(Debug)]
pub(super) struct Numbers {
    sessions: LruCache<String, i64>,
    kinds: HashMap<Arc<EventKind>, i64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { sessions: LruCache::new(SESSIONS), kinds: HashMap::new() }
    }
}

impl Numbers {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn session(&mut self, session_id: &str) -> Option<i64> {
        self.sessions.get(session_id).copied()
    }

    pub(super) fn kind(&self, kind: &EventKind) -> Option<i64> {
        self.kinds.get(kind).copied()
    }

    pub(super) fn remember_sessions(&mut self, sessions: impl IntoIterator<Item = (String, i64)>) {
        for (session_id, number) in sessions {
            self.sessions.put(session_id, number);
        }
    }

    pub(super) fn remember_kinds(&mut self, kinds: impl IntoIterator<Item = (Arc<EventKind>, i64)>) {
        self.kinds.extend(kinds);
    }
}
