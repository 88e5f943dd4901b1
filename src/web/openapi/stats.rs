//! `/stats`.

use serde_json::{Value, json};

use super::answers::{responses, shown};
use super::parameters::named;
use super::schemas::{count, exact, time};
use super::{Api, Paths, parameters, schema};
use crate::event::RejectedKind;

/// How long an interval may be.
const INTERVALS: [&str; 3] = ["minute", "hour", "day"];

/// What figures are told apart by.
const GROUPS: [&str; 6] = ["type", "category", "name", "host", "path", "element"];

pub(super) fn paths(api: Api<'_>) -> Paths {
    let mut parameters = parameters::query(api, &["session_id", "category", "name", "application"]);
    let time = || json!({ "type": "string", "format": "date-time" });
    let own = [
        named("start_time", "Where the stretch begins.", &time()),
        named("end_time", "Where it ends: that is not included. Without it, now.", &time()),
        named(
            "last",
            "How long the stretch is, instead of `start_time`: minutes, hours or days.",
            &json!({ "type": "string", "pattern": "^[0-9]+[mhd]$", "default": "24h" }),
        ),
        named(
            "interval",
            "The length of an interval, in UTC; without it, the shortest that gives at most 200. More than 500 are a 400.",
            &json!({ "type": "string", "enum": INTERVALS }),
        ),
        named(
            "group_by",
            "What `intervals` and `groups` tell apart; `host`, `path` and `element` for `groups` alone.",
            &json!({ "type": "string", "enum": GROUPS, "default": "type" }),
        ),
    ];
    let format = parameters::query(api, &["format"]);
    parameters.as_array_mut().into_iter().for_each(|list| {
        list.extend(own.clone());
        list.extend(format.as_array().cloned().unwrap_or_default());
    });
    let get = json!({
        "tags": ["Figures"],
        "summary": "The figures of a stretch of time",
        "description": "The last 24 hours where no times are given. Both are moved out to whole intervals, and the end is not \
                        included. Counts, intervals and the groups by type, category and name are exact; what says \
                        `approximate` is estimated from about 5,000 events where there are more.",
        "parameters": parameters,
        "responses": responses(
            [("200", shown("The figures.", &schema("Stats"), &example()))],
            &["400", "405", "500", "503"],
        ),
    });
    vec![("/stats".to_owned(), json!({ "get": get }))]
}

pub(super) fn schemas(api: Api<'_>) -> Vec<(&'static str, Value)> {
    let approximate = json!({ "type": "boolean" });
    let value = exact(&json!({ "value": { "type": "string" }, "count": count() }), &[]);
    let values = |most: u32| json!({ "type": "array", "maxItems": most, "items": value });
    let interval = exact(
        &json!({
            "start_time": time(api), "count": count(),
            "groups": { "type": "object", "additionalProperties": count() },
        }),
        &[],
    );
    let kinds = [RejectedKind::Refused, RejectedKind::DeadLetter].map(RejectedKind::as_str);
    let rejected = json!({ "kind": { "enum": kinds }, "reason": { "type": "string" }, "count": count() });
    let queue = json!({
        "events": count(), "bytes": count(), "rejected": count(),
        "oldest": { "anyOf": [time(api), { "type": "null" }] }, "lag_seconds": { "type": "number", "minimum": 0 },
    });
    let top = json!({ "approximate": approximate, "hosts": values(10), "paths": values(10), "elements": values(10) });
    let stats = json!({
        "start_time": time(api),
        "end_time": time(api),
        "interval": { "enum": INTERVALS },
        "group_by": { "enum": GROUPS },
        "count": count(),
        "sessions": exact(&json!({ "count": count(), "approximate": approximate }), &[]),
        "groups": exact(&json!({ "approximate": approximate, "values": values(100) }), &[]),
        "intervals": { "type": "array", "maxItems": 500, "items": interval },
        "top": exact(&top, &[]),
        "rejected": { "type": "array", "items": exact(&rejected, &[]) },
        "queue": { "anyOf": [exact(&queue, &[]), { "type": "null" }] },
        "store": exact(&json!({ "bytes": count() }), &[]),
    });
    vec![("Stats", exact(&stats, &[]))]
}

fn example() -> Value {
    let (view, submit) = ("page_interaction - page_view", "form_interaction - submit");
    json!({
        "start_time": "2026-06-01T11:00:00.000000Z", "end_time": "2026-06-01T13:00:00.000000Z",
        "interval": "hour", "group_by": "type", "count": 3,
        "sessions": { "count": 2, "approximate": false },
        "groups": { "approximate": false, "values": [{ "value": view, "count": 2 }, { "value": submit, "count": 1 }] },
        "intervals": [
            { "start_time": "2026-06-01T11:00:00.000000Z", "count": 0, "groups": {} },
            { "start_time": "2026-06-01T12:00:00.000000Z", "count": 3, "groups": { view: 2, submit: 1 } },
        ],
        "top": { "approximate": false, "hosts": [{ "value": "shop.example", "count": 3 }], "paths": [], "elements": [] },
        "rejected": [{ "kind": "refused", "reason": "invalid", "count": 4 }],
        "queue": { "events": 0, "bytes": 0, "rejected": 0, "oldest": null, "lag_seconds": 0.0 },
        "store": { "bytes": 167_936 },
    })
}
