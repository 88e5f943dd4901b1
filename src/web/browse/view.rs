//! Pages of their own: what a resource shows in place of its plain JSON.
//!
//! A handler leaves a [`View`] with its answer, `Answer::new(status, json).view(view)`, holding what it found in
//! plain values. It is rendered only for a browser. Its template begins with `{% extends "base.html" %}`, has a
//! field `frame: &Frame<'_>`, and fills `{% block content %}`; `base.html` puts around it the navigation, the
//! breadcrumbs, the title as `<h1>`, and below it the request and its answer ("The same as JSON"):
//!
//! ```ignore
//! #[derive(Template)]
//! #[template(path = "sessions.html")]
//! struct SessionsPage<'a> { frame: &'a Frame<'a>, sessions: &'a [Session] }
//!
//! impl View for Sessions {
//!     fn title(&self) -> String { "Sessions".to_owned() }
//!     fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
//!         SessionsPage { frame, sessions: &self.0 }.render()
//!     }
//! }
//! ```
//!
//! In a template, paths of ours are `{{ frame.path("/events") }}`, texts that others wrote
//! `{{ frame.shown(text) }}`, the pager and the filter form `{{ frame.pager|safe }}` and `{{ frame.filter|safe }}`.

use std::fmt;
use std::sync::Arc;

use super::super::assets;
use super::super::site::{Site, query};
use super::html::{Shown, shown};

/// The sections of the service, as the navigation lists them.
const SECTIONS: [(&str, &str); 6] = [
    ("Overview", "/"),
    ("Events", "/events"),
    ("Sessions", "/sessions"),
    ("Live", "/live"),
    ("Rejected", "/rejected"),
    ("API", "/docs"),
];

/// What a resource shows in place of its plain JSON.
pub(in crate::web) trait View: fmt::Debug + Send + Sync {
    /// The page's heading, and its name in the browser.
    fn title(&self) -> String;

    /// The whole page; its template extends `base.html`.
    fn render(&self, frame: &Frame<'_>) -> askama::Result<String>;

    /// The script that makes it better: a name of [`assets`].
    fn script(&self) -> Option<&'static str> {
        None
    }

    /// Whether the request and its answer are shown below.
    fn shows_exchange(&self) -> bool {
        true
    }
}

/// A view that is left with a response.
#[derive(Debug, Clone)]
pub(in crate::web) struct ShowsView(pub(in crate::web) Arc<dyn View>);

/// What is around the content of every page.
#[derive(Debug)]
pub(in crate::web) struct Frame<'a> {
    pub(super) site: &'a Site,
    /// The request's path below where we are mounted.
    pub(super) path: &'a str,
    /// The page's heading.
    pub(in crate::web) title: String,
    pub(super) script: Option<&'static str>,
    /// The request and its answer, as HTML.
    pub(in crate::web) exchange: String,
    /// The links to other pages of a list, as HTML; empty where there are none.
    pub(in crate::web) pager: String,
    /// The form that filters a list, as HTML; empty where nothing can be filtered.
    pub(in crate::web) filter: String,
}

/// A place, and whether it is this one.
pub(in crate::web) struct Place<'a> {
    pub(in crate::web) label: Shown<'a>,
    pub(in crate::web) path: String,
    pub(in crate::web) here: bool,
}

impl Frame<'_> {
    /// The path of one of our resources.
    pub(in crate::web) fn path(&self, resource: &str) -> String {
        self.site.path(resource)
    }

    /// A text that others wrote.
    pub(in crate::web) fn shown<'t>(&self, text: &'t str) -> Shown<'t> {
        shown(text)
    }

    /// Its absolute URL, for people to copy.
    pub(in crate::web) fn url(&self, resource: &str) -> String {
        self.site.url(resource)
    }

    /// The list of one session's events, of one application if one is named.
    pub(in crate::web) fn list_of_session(&self, session_id: &str, application: Option<&str>) -> String {
        let application = application.map(|name| ("application", name));
        let pairs = [("session_id", session_id), ("order", "asc")].into_iter().chain(application);
        self.path("/events") + &query(&pairs.collect::<Vec<_>>())
    }

    /// The page of one session.
    pub(in crate::web) fn session_path(&self, session_id: &str) -> String {
        self.site.session_path(session_id)
    }

    /// The path of an asset.
    pub(in crate::web) fn asset(&self, name: &str) -> String {
        self.site.path(&assets::path(name))
    }

    /// The path of the page's script.
    pub(in crate::web) fn script(&self) -> Option<String> {
        self.script.map(|name| self.asset(name))
    }

    /// The sections; the one we are in is marked.
    pub(in crate::web) fn sections(&self) -> Vec<Place<'static>> {
        let first = |path: &str| path.trim_start_matches('/').split(['/', '.']).next().unwrap_or_default().to_owned();
        let here = first(self.path);
        let place = |(label, path)| Place { label: shown(label), path: self.path(path), here: first(path) == here };
        SECTIONS.map(place).into()
    }

    /// The way from the root to here; empty at the root.
    pub(in crate::web) fn crumbs(&self) -> Vec<Place<'_>> {
        let parts: Vec<_> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Vec::new();
        }
        let mut crumbs = vec![Place { label: shown("The Eye"), path: self.path("/"), here: false }];
        let mut so_far = String::new();
        for (index, part) in parts.iter().enumerate() {
            so_far = format!("{so_far}/{}", part.replace('\\', "%5C"));
            crumbs.push(Place { label: shown(part), path: self.path(&so_far), here: index + 1 == parts.len() });
        }
        crumbs
    }

    /// The version, for the footer.
    pub(in crate::web) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}
