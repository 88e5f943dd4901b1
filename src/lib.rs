//! The Eye collects what people do on websites as JSON events: each is checked against its type,
//! acknowledged once it is durable, stored through a queue, and can be queried.
//!
//! # The path of an event
//!
//! `POST /events` → `web::ingest` reads a bounded body → [`NewEvent::parse`](event::NewEvent::parse)
//! holds each event against the [`Catalog`](event::Catalog) → [`Queue::enqueue`](queue::Queue::enqueue),
//! durable when it returns → 201 → the [`Worker`] claims a batch →
//! [`Store::insert`](store::Store::insert), which passes over what it knows →
//! [`Queue::ack`](queue::Queue::ack).
//!
//! `GET /events` → `web::events` → [`Query`](store::Query) → [`Store::events`](store::Store::events)
//! → JSON, or a page made of it by `web::browse`.
//!
//! What is refused takes the same way in a lane of its own: queue, worker, store.
//!
//! # Use
//!
//! A host application opens an [`Eye`], mounts its router and runs its worker; `examples/embed.rs`
//! does it. The binary is [`cli::main`].

mod eye;
mod server;

pub mod access;
pub mod cli;
pub mod clock;
pub mod config;
pub mod event;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
pub mod metrics;
mod private;
pub mod queue;
mod sqlite;
pub mod store;
mod telemetry;
mod web;
mod worker;

pub use access::Access;
pub use eye::{Eye, EyeBuilder, Migrated, StartError, Upgrade, rescue};
pub use server::{Limits, RunWorker, ServeOptions, run, run_worker};
pub use sqlite::{Migrations, OpenError, Rescued};
pub use tokio_util::sync::CancellationToken;
pub use worker::Worker;
