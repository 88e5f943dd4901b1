//! The document against the routes, and against itself.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::routes::ROUTES;
use super::super::{browse, list, live, stats};
use super::*;
use crate::access::{Access, Proxies, StoreAddress};
use crate::event::TimestampFormat;

fn of(catalog: &Catalog) -> Value {
    let settings = Settings {
        page_size: 10,
        max_event: 1 << 20,
        max_body: 16 << 20,
        clock_tolerance: Duration::from_secs(5),
        timestamp_format: TimestampFormat::Rfc3339,
        access: Access::Open,
        open_metrics: false,
        proxies: Proxies::default(),
        store_address: StoreAddress::No,
        public_url: None,
    };
    document(Api { catalog, settings: &settings }, "http://127.0.0.1:8000")
}

fn walk<'a>(value: &'a Value, look: &mut impl FnMut(&'a Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            look(fields);
            fields.values().for_each(|value| walk(value, look));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, look)),
        _ => (),
    }
}

#[test]
fn every_route_and_method_is_described() {
    let document = of(&Catalog::built_in());
    for route in ROUTES.iter().filter(|route| route.name != "/assets") {
        let methods: BTreeSet<_> = route.allow.split(", ").filter(|method| *method != "HEAD").collect();
        let path = document["paths"][route.name].as_object().unwrap_or_else(|| panic!("{}", route.name));
        let described: Vec<_> = path.keys().map(|method| method.to_uppercase()).collect();
        assert_eq!(methods.into_iter().map(str::to_owned).collect::<Vec<_>>(), described, "{}", route.name);
        for operation in path.values() {
            assert!(operation["summary"].is_string() && operation["responses"]["405"].is_object(), "{}", route.name);
            let tag = operation["tags"][0].as_str().unwrap();
            assert!(TAGS.iter().any(|(name, _)| *name == tag), "{tag}");
        }
    }
}

#[test]
fn parameters_are_those_that_are_read() {
    let document = of(&Catalog::built_in());
    let described = |path: &str| -> BTreeSet<String> {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    for (path, known) in [
        ("/events", list::EVENTS.known),
        ("/rejected", list::REJECTED.known),
        ("/sessions", list::SESSIONS.known),
        ("/sessions/{session_id}", list::SESSION.known),
        ("/stats", &stats::KNOWN),
        ("/live", &live::KNOWN),
    ] {
        assert_eq!(described(path), known.iter().map(|name| (*name).to_owned()).collect(), "{path}");
        let filters = browse::filters(path).iter();
        assert!(filters.clone().all(|name| known.contains(name)), "the form of {path}");
    }
    let replay = &document["components"]["schemas"]["ReplayRequest"]["properties"];
    let replay: BTreeSet<_> = replay.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(replay, list::REPLAY.known.iter().copied().collect());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = of(&Catalog::built_in());
    let mut count = 0;
    walk(&document, &mut |fields| {
        if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
            count += 1;
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    });
    assert!(count > 100, "{count}");
}

#[test]
fn every_example_fits_its_schema() {
    let document = of(&Catalog::built_in());
    let mut count = 0;
    let mut check = |schema: &Value, example: &Value| {
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        let validator = jsonschema::validator_for(&whole).unwrap();
        if let Some(error) = validator.iter_errors(example).next() {
            panic!("{error} at {} in {example}", error.instance_path());
        }
        count += 1;
    };
    walk(&document, &mut |fields| {
        let Some(schema) = fields.get("schema").filter(|schema| schema.is_object()) else { return };
        fields.get("example").into_iter().for_each(|example| check(schema, example));
        let many = fields.get("examples").and_then(Value::as_object).into_iter().flat_map(Map::values);
        many.for_each(|example| check(schema, &example["value"]));
    });
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for schema in schemas.values() {
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        examples.for_each(|example| check(schema, example));
    }
    assert!(count > 40, "{count}");
}

#[test]
fn a_catalog_of_ones_own_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let file = r##"{ "category": "shop", "name": "order placed", "aliases": ["order"], "title": "Order", "example": { "a": { "n": 1 } },
        "data": { "type": "object", "$defs": { "part": { "type": "object" } }, "properties": { "a": { "$ref": "#/$defs/part" } } } }"##;
    std::fs::write(folder.path().join("order.json"), file).unwrap();
    let document = of(&Catalog::load(folder.path()).unwrap());
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let (name, event) = schemas.iter().find(|(name, _)| name.ends_with("_order_placed")).unwrap();
    assert_eq!(event["properties"]["name"]["enum"], json!(["order_placed", "order placed", "order"]));
    let target = format!("#/components/schemas/{name}_data/$defs/part");
    assert_eq!(schemas[&format!("{name}_data")]["properties"]["a"]["$ref"], target);
    assert!(document.pointer(target.trim_start_matches('#')).is_some());
    assert_eq!(document["components"]["schemas"]["NewEvent"]["oneOf"].as_array().unwrap().len(), 4);
}
