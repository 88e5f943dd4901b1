//! What stands around every handler: it is counted and timed, a panic in it is an answer, and a
//! browser gets a page of what it says.
//!
//! It wraps the handler itself. As a layer of the router it would cost each request some
//! allocations more, which for a POST is not little.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::error::Error;
use super::gate::{self, Permission};
use super::{App, browse};
use crate::clock::Stopwatch;
use crate::metrics::{Histogram, RequestLabels, RouteLabels};

/// The longest path and query. All filters together, percent-encoded, take less; beyond it a URL is
/// there to be work.
const MAX_URI: usize = 8 << 10;

/// What watches over the handlers of one route.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    route: &'static str,
    seconds: Histogram,
}

/// A handler that is watched over.
#[derive(Debug, Clone)]
pub(super) struct Watched<H> {
    watch: Watch,
    permission: Permission,
    handler: H,
}

impl Watch {
    pub(super) fn new(app: &App, route: &'static str) -> Self {
        Self { route, seconds: app.metrics.request_seconds.get_or_create(&RouteLabels { route }).clone() }
    }

    /// The handler, watched over, for those who have that permission.
    pub(super) fn on<H>(&self, permission: Permission, handler: H) -> Watched<H> {
        Watched { watch: self.clone(), permission, handler }
    }
}

impl<T: 'static, H: Handler<T, App>> Handler<T, App> for Watched<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, mut request: Request, app: App) -> Self::Future {
        let Self { watch: Watch { route, seconds }, permission, handler } = self;
        let watch = Stopwatch::start();
        let method = known(request.method());
        Box::pin(async move {
            let response = if is_too_long(request.uri()) {
                Error::UriTooLong(MAX_URI).into_response()
            } else {
                // Nothing of the request is used after a panic.
                let answer = AssertUnwindSafe(answer(&app, permission, &mut request, handler)).catch_unwind().await;
                answer.unwrap_or_else(|_| Error::Internal.into_response())
            };
            let labels = RequestLabels { method, route, status: response.status().as_u16() };
            app.metrics.requests.get_or_create(&labels).inc();
            seconds.observe(watch.seconds());
            response
        })
    }
}

async fn answer<T: 'static>(
    app: &App,
    permission: Permission,
    request: &mut Request,
    handler: impl Handler<T, App>,
) -> Response {
    match gate::admit(app, permission, request).await {
        Ok(admitted) => {
            let mut answer =
                browse::page(app, std::mem::take(request), |request| handler.call(request, app.clone())).await;
            admitted.add(answer.headers_mut());
            answer
        }
        Err(refusal) => browse::page(app, std::mem::take(request), async |_| refusal.into_response()).await,
    }
}

fn is_too_long(uri: &Uri) -> bool {
    uri.path().len() + uri.query().map_or(0, |query| 1 + query.len()) > MAX_URI
}

/// A method as a label: there are endless methods, and a label must come from a short list.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
