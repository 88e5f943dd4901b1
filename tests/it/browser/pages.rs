//! Every page there is. What has to hold for all of them goes through this list.

use crate::support::TestEye;

/// One page, on an Eye that [`stock`](super::stock) has filled.
pub struct Page {
    /// What its pictures are called.
    pub name: &'static str,
    /// Where it is; `REJECTED` stands for the id of the newest rejected event.
    path: &'static str,
    /// A selector of what it is there to show.
    pub shows: &'static str,
}

pub const PAGES: [Page; 19] = [
    Page { name: "overview", path: "/", shows: "svg.chart" },
    Page { name: "overview-minutes", path: "/?interval=minute&start_time=2026-06-01T11:00:00", shows: "svg.chart" },
    Page { name: "events", path: "/events", shows: ".send form" },
    Page { name: "events-filtered", path: "/events?session_id=s-07&page_size=5", shows: "a[rel=next]" },
    Page { name: "events-last", path: "/events?page=last", shows: "a[rel=prev]" },
    Page { name: "events-none", path: "/events?session_id=nobody", shows: ".filter .badge" },
    Page { name: "event", path: "/events/0190b0e5-0000-7000-8000-000000000007", shows: "pre.json" },
    Page { name: "sessions", path: "/sessions", shows: "td a" },
    Page { name: "session", path: "/sessions/s-07", shows: "ol.timeline" },
    Page { name: "session-last", path: "/sessions/s-07?page=last&page_size=5", shows: "a[rel=prev]" },
    Page { name: "live", path: "/live", shows: "#feed" },
    Page { name: "rejected", path: "/rejected", shows: "form.replay" },
    Page { name: "rejected-one", path: "/rejected/REJECTED", shows: "article.rejected" },
    Page { name: "error-parameter", path: "/events?sesion_id=x", shows: "[role=alert]" },
    Page { name: "error-page", path: "/events?page=1000", shows: "[role=alert]" },
    Page { name: "error-not-found", path: "/events/nothing", shows: "[role=alert]" },
    Page { name: "docs", path: "/docs", shows: "h2" },
    Page { name: "sign-in", path: "/sign-in", shows: "input[type=password]" },
    Page { name: "readiness", path: "/readyz", shows: "pre.json" },
];

impl Page {
    pub async fn url(&self, eye: &TestEye) -> String {
        let mut path = self.path.to_owned();
        if path.contains("REJECTED") {
            let newest = eye.get("/rejected?page_size=1").await.expect(200).json();
            path = path.replace("REJECTED", newest["results"][0]["id"].as_str().unwrap());
        }
        format!("{}{path}", eye.base)
    }
}
