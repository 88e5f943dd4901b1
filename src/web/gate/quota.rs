//! How many events one may still send: by key, and by address.
//!
//! The fields are those of draft-ietf-httpapi-ratelimit-headers-11; the unit of a quota is an event.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::super::App;
use super::super::error::Error;
use super::super::ingest::Sender;
use super::Caller;
use crate::access::{Grant, Limited, Limiters, Rate, Spent, StoreAddress, one_client};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Addresses that are remembered: some ten megabytes.
const ADDRESSES: usize = 65_536;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Quotas {
    by_address: Option<Limiters<IpAddr>>,
}

/// What limits one request.
#[derive(Debug)]
pub(in crate::web) struct Quota {
    grant: Option<Arc<Grant>>,
    /// The client's address, where it matters.
    address: Option<IpAddr>,
    spent: Vec<(&'static str, Spent)>,
}

/// Why a request was not taken, as its answer says it.
#[derive(Debug)]
pub(in crate::web) struct OverQuota {
    policy: &'static str,
    rate: Rate,
    wait: Duration,
}

impl Quotas {
    pub(crate) fn new(by_address: Option<Rate>) -> Self {
        Self { by_address: by_address.map(|rate| Limiters::new(rate, ADDRESSES)) }
    }
}

impl App {
    /// Whether clients' addresses matter.
    pub(crate) fn wants_addresses(&self) -> bool {
        self.quotas.by_address.is_some() || self.settings.store_address != StoreAddress::No
    }
}

impl Quota {
    /// What limits a request.
    pub(in crate::web) fn of(app: &App, parts: &Parts) -> Self {
        let grant = parts.extensions.get::<Caller>().and_then(|caller| caller.grant.clone());
        Self { grant, address: app.wants_addresses().then(|| client(app, parts)).flatten(), spent: Vec::new() }
    }

    /// Who sends, as far as events are to say so.
    pub(in crate::web) fn sender(&self, app: &App) -> Sender {
        let application = self.grant.as_ref().map(|grant| grant.application.clone());
        Sender { application, address: self.address.and_then(|address| app.settings.store_address.of(address)) }
    }

    /// Spends so many events, all or none. First of the address, so that one that sends too much does not spend what its
    /// application has for others.
    pub(in crate::web) fn spend(&mut self, app: &App, events: usize) -> Result<(), Error> {
        let Some(events) = u32::try_from(events).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        if let Some((address, limiters)) = self.address.zip(app.quotas.by_address.as_ref()) {
            self.note("address", limiters.spend(one_client(address), events))?;
        }
        if let Some(limiter) = self.grant.as_ref().and_then(|grant| grant.limiter.clone()) {
            self.note("key", limiter.spend(events))?;
        }
        Ok(())
    }

    fn note(&mut self, policy: &'static str, spent: Result<Spent, Limited>) -> Result<(), Error> {
        match spent {
            Ok(spent) => {
                self.spent.push((policy, spent));
                Ok(())
            }
            Err(Limited::Until(rate, wait)) => Err(Error::OverQuota(OverQuota { policy, rate, wait })),
            Err(Limited::Never(rate)) => {
                let (most, window) = (rate.burst(), rate.window());
                Err(Error::TooLarge(format!(
                    "The request has more events than this {policy} may send at once: {most} in {window} seconds."
                )))
            }
        }
    }

    /// Says what is left.
    pub(in crate::web) fn add(&self, headers: &mut HeaderMap) {
        if self.spent.is_empty() {
            return;
        }
        let fields = self.spent.iter().map(|(policy, spent)| {
            (*policy, spent.rate, spent.remaining, spent.rate.seconds_until_full(spent.remaining))
        });
        add(headers, fields);
    }
}

impl OverQuota {
    /// Seconds after which there is room.
    pub(in crate::web) fn seconds(&self) -> u32 {
        let part = u64::from(self.wait.subsec_nanos() > 0);
        u32::try_from(self.wait.as_secs() + part).unwrap_or(u32::MAX).max(1)
    }

    /// Says which limit it was.
    pub(in crate::web) fn add(&self, headers: &mut HeaderMap) {
        add(headers, std::iter::once((self.policy, self.rate, 0, self.seconds())));
    }
}

fn add(headers: &mut HeaderMap, fields: impl Iterator<Item = (&'static str, Rate, u32, u32)>) {
    let (mut policies, mut limits) = (Vec::new(), Vec::new());
    for (policy, rate, remaining, seconds) in fields {
        policies.push(format!("\"{policy}\";q={};w={};qu=\"events\"", rate.burst(), rate.window()));
        limits.push(format!("\"{policy}\";r={remaining};t={seconds}"));
    }
    for (name, values) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limits)] {
        headers.insert(name, HeaderValue::try_from(values.join(", ")).expect("names and numbers"));
    }
}

/// The client's address, by the connection and by what trusted proxies say; unknown where the host that embeds us
/// does not tell (`into_make_service_with_connect_info`).
fn client(app: &App, parts: &Parts) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let values = |name: HeaderName| {
        let values = parts.headers.get_all(name).into_iter();
        values.map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>()
    };
    let proxies = &app.settings.proxies;
    if proxies.is_empty() {
        return Some(peer.ip().to_canonical());
    }
    let plain = values(HeaderName::from_static("x-forwarded-for"));
    Some(proxies.client(peer.ip(), plain.into_iter(), values(FORWARDED).into_iter()))
}
