//! The keys that are good now, in memory: asked with each request, made anew from the store every other second.
//!
//! While the store is away, what was known last goes on to count: taking events in does not depend on the database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::{KeptKey, Key, Limiter, Origin, Registered, Registration, Scope, Secret};
use crate::event::{Application, Timestamp};

/// The keys of a process.
#[derive(Debug, Default)]
pub struct Keyring(RwLock<Option<Arc<Known>>>);

/// What was registered when the store was last asked.
#[derive(Debug)]
pub struct Known {
    /// By their first characters: a hash is compared only with the one or two that may be it.
    keys: HashMap<String, Vec<Arc<Grant>>>,
    /// All sites whose pages may use some key.
    origins: HashSet<Origin>,
    /// The secret of the store's processes.
    pub secret: Secret,
}

/// What a key lets one do.
#[derive(Debug)]
pub struct Grant {
    /// What is kept of the key.
    pub key: KeptKey,
    /// Whose key it is.
    pub application: Arc<Application>,
    /// What for.
    pub scope: Scope,
    /// The sites whose pages may use it.
    pub origins: Vec<Origin>,
    /// How many events may be sent with it and all other keys of its application.
    pub limiter: Option<Arc<Limiter>>,
    /// The one application whose events it sees; all where there is none.
    pub sees: Option<Arc<str>>,
}

impl Keyring {
    /// What is known; nothing until the store has answered once.
    pub fn known(&self) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what the store says.
    pub fn replace(&self, registered: Registered) {
        let before = self.known();
        let known = Arc::new(Known::new(registered, before.as_deref()));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }
}

impl Known {
    fn new(registered: Registered, before: Option<&Self>) -> Self {
        let mut known = Self { keys: HashMap::new(), origins: HashSet::new(), secret: registered.secret };
        for registration in registered.applications {
            known.add(registration, before);
        }
        known
    }

    fn add(&mut self, registration: Registration, before: Option<&Self>) {
        let Registration { application, settings, keys } = registration;
        let Some(settings) = settings.filter(|_| !keys.is_empty()) else { return };
        let limiter = settings.rate.map(|rate| {
            // What was spent stays spent.
            let kept = before.and_then(|before| before.limiter(&application)).filter(|kept| kept.rate() == rate);
            kept.unwrap_or_else(|| Arc::new(Limiter::new(rate)))
        });
        if settings.scope == Scope::Write {
            self.origins.extend(settings.origins.iter().cloned());
        }
        let sees: Option<Arc<str>> = settings.sees.map(Arc::from);
        for key in keys {
            let of_prefix = self.keys.entry(key.prefix.clone()).or_default();
            of_prefix.push(Arc::new(Grant {
                key,
                application: application.clone(),
                scope: settings.scope,
                origins: settings.origins.clone(),
                limiter: limiter.clone(),
                sees: sees.clone(),
            }));
        }
    }

    /// What a key lets its holder do, if it is known and has not ended.
    pub fn grant(&self, key: &Key, now: Timestamp) -> Option<Arc<Grant>> {
        let hash = key.hash();
        self.good(key.prefix(), now).find(|grant| grant.key.hash == hash).cloned()
    }

    /// Whether what was granted once still is.
    pub fn still_grants(&self, grant: &Grant, now: Timestamp) -> bool {
        self.good(&grant.key.prefix, now).any(|known| known.key.hash == grant.key.hash)
    }

    /// The keys that begin in that way and have not ended.
    pub fn good(&self, prefix: &str, now: Timestamp) -> impl Iterator<Item = &Arc<Grant>> {
        self.keys.get(prefix).into_iter().flatten().filter(move |grant| grant.key.is_good(now))
    }

    /// Whether pages of a site may use some key.
    pub fn has_origin(&self, origin: &str) -> bool {
        // Whatever is not written as browsers write it is none of theirs.
        origin.parse::<Origin>().is_ok_and(|parsed| parsed.as_str() == origin && self.origins.contains(&parsed))
    }

    /// Whether there is a key that has not ended.
    pub fn has_keys(&self, now: Timestamp) -> bool {
        self.keys.values().flatten().any(|grant| grant.key.is_good(now))
    }

    fn limiter(&self, application: &Application) -> Option<Arc<Limiter>> {
        let mut grants = self.keys.values().flatten();
        grants.find(|grant| *grant.application == *application).and_then(|grant| grant.limiter.clone())
    }
}

impl Grant {
    /// Whether pages of a site may use the key.
    pub fn is_for_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known.as_str() == origin)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::{NewApplication, Rate};
    use super::*;

    const NOW: i64 = 1_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    fn registered(keys: &[(&Key, Option<i64>)], rate: u32) -> Registered {
        let name = "shop".to_owned();
        let kept = |(key, end): &(&Key, Option<i64>)| KeptKey {
            hash: key.hash(),
            prefix: key.prefix().to_owned(),
            created_at: at(0),
            ends_at: end.map(at),
        };
        let settings = NewApplication {
            name: name.clone(),
            scope: Scope::Write,
            origins: vec!["https://shop.example".parse().unwrap()],
            rate: NonZeroU32::new(rate).map(Rate::per_second),
            sees: None,
            created_at: at(0),
        };
        let application = Arc::new(Application { number: NonZeroU32::MIN, name });
        let registration =
            Registration { application, settings: Some(settings), keys: keys.iter().map(kept).collect() };
        Registered { applications: vec![registration], secret: Secret::from_bytes([7; 32]) }
    }

    #[test]
    fn a_key_counts_until_it_ends() {
        let [key, ended, other] = [(); 3].map(|()| Key::generate(Scope::Write).unwrap());
        let ring = Keyring::default();
        assert!(ring.known().is_none());
        ring.replace(registered(&[(&key, Some(NOW + 1)), (&ended, Some(NOW))], 0));
        let known = ring.known().unwrap();
        assert_eq!(known.grant(&key, at(NOW)).unwrap().application.name, "shop");
        assert!(known.grant(&key, at(NOW + 1)).is_none());
        assert!(known.grant(&ended, at(NOW)).is_none());
        assert!(known.grant(&other, at(NOW)).is_none());
        assert!(known.has_keys(at(NOW)) && !known.has_keys(at(NOW + 1)));
    }

    #[test]
    fn an_origin_is_one_of_the_list_to_the_letter() {
        let key = Key::generate(Scope::Write).unwrap();
        let ring = Keyring::default();
        ring.replace(registered(&[(&key, None)], 0));
        let known = ring.known().unwrap();
        for (origin, allowed) in [
            ("https://shop.example", true),
            ("https://shop.example:443", false),
            ("https://shop.example/", false),
            ("HTTPS://SHOP.EXAMPLE", false),
            ("http://shop.example", false),
            ("https://shop.example.evil.example", false),
            ("https://evil.shop.example", false),
            ("null", false),
            ("*", false),
        ] {
            assert_eq!(known.has_origin(origin), allowed, "{origin}");
            assert_eq!(known.grant(&key, at(NOW)).unwrap().is_for_origin(origin), allowed, "{origin}");
        }
    }

    #[test]
    fn what_was_spent_stays_spent_when_keys_are_read_anew() {
        let key = Key::generate(Scope::Write).unwrap();
        let ring = Keyring::default();
        let spend = |ring: &Keyring, events: u32| {
            let grant = ring.known().unwrap().grant(&key, at(NOW)).unwrap();
            grant.limiter.as_ref().unwrap().spend(NonZeroU32::new(events).unwrap()).is_ok()
        };
        ring.replace(registered(&[(&key, None)], 1));
        assert!(spend(&ring, 10));
        ring.replace(registered(&[(&key, None)], 1));
        assert!(!spend(&ring, 1));
        ring.replace(registered(&[(&key, None)], 2));
        assert!(spend(&ring, 10), "another rate is another limit");
    }
}
