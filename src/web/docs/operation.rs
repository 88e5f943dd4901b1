//! One operation of the document, as the page shows it.

use serde_json::Value;

use super::super::pretty::pretty;
use super::text;

/// A method of a resource.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) method: String,
    pub(super) path: &'a str,
    /// The name that links to it have.
    pub(super) anchor: String,
    pub(super) summary: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters: Vec<Parameter<'a>>,
    /// Content types of the body, each with a line that sends one.
    pub(super) requests: Vec<(&'a str, String)>,
    pub(super) answers: Vec<Reply<'a>>,
}

/// One of its parameters.
#[derive(Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) place: &'a str,
    pub(super) required: bool,
    pub(super) description: &'a str,
    pub(super) values: String,
}

/// One of its answers.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) status: &'a str,
    pub(super) description: &'a str,
    pub(super) headers: Vec<&'a str>,
    /// A body, laid out.
    pub(super) example: Option<String>,
}

impl<'a> Operation<'a> {
    pub(super) fn new(document: &'a Value, path: &'a str, method: &'a str, operation: &'a Value) -> Self {
        let list = |name: &str| operation[name].as_array().into_iter().flatten();
        let responses = operation["responses"].as_object().into_iter().flatten();
        let url = format!("{}{}", text(&document["servers"][0]["url"]), with_example(path, operation));
        Self {
            method: method.to_uppercase(),
            path,
            anchor: format!("{method}{}", path.replace(['/', '{', '}'], "-").trim_end_matches('-')),
            summary: text(&operation["summary"]),
            description: text(&operation["description"]),
            parameters: list("parameters").map(Parameter::new).collect(),
            requests: requests(method, &url, operation),
            answers: responses.map(|(status, answer)| Reply::new(status, resolved(document, answer))).collect(),
        }
    }
}

impl<'a> Parameter<'a> {
    fn new(parameter: &'a Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            place: text(&parameter["in"]),
            required: parameter["required"] == true,
            description: text(&parameter["description"]),
            values: values(&parameter["schema"]),
        }
    }
}

impl<'a> Reply<'a> {
    fn new(status: &'a str, answer: &'a Value) -> Self {
        let content = answer["content"].as_object().into_iter().flatten();
        let example = content.map(|(_, content)| &content["example"]).find(|example| !example.is_null());
        Self {
            status,
            description: text(&answer["description"]),
            headers: answer["headers"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect(),
            example: example.map(shown),
        }
    }
}

/// A path whose parameters have their examples.
fn with_example(path: &str, operation: &Value) -> String {
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        path = path.replace(&format!("{{{}}}", text(&parameter["name"])), text(&parameter["example"]));
    }
    path
}

/// Lines that send the request, for a shell.
fn requests<'a>(method: &str, url: &str, operation: &'a Value) -> Vec<(&'a str, String)> {
    let Some(content) = operation["requestBody"]["content"].as_object() else {
        let line = match method {
            "get" => format!("curl {}", quoted(url)),
            method => format!("curl -X {} {}", method.to_uppercase(), quoted(url)),
        };
        return vec![("", line)];
    };
    let mut lines = Vec::new();
    for (content_type, content) in content {
        let many = content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in many.chain(content.get("example")) {
            lines.push((content_type.as_str(), send(url, content_type, example)));
        }
    }
    lines
}

fn send(url: &str, content_type: &str, example: &Value) -> String {
    let url = quoted(url);
    let fields = |option: &str| {
        let fields = example.as_object().into_iter().flatten();
        let field =
            |(name, value): (&String, &Value)| format!(" {option} {}", quoted(&format!("{name}={}", text(value))));
        format!("curl {url}{}", fields.map(field).collect::<Vec<_>>().join(" \\\n "))
    };
    match content_type {
        "application/x-www-form-urlencoded" => fields("--data-urlencode"),
        "multipart/form-data" => fields("--form-string"),
        _ => {
            let body = example.as_str().map_or_else(|| pretty(&example.to_string()), str::to_owned);
            format!(
                "curl {url} -H {} --data-binary {}",
                quoted(&format!("Content-Type: {content_type}")),
                quoted(&body)
            )
        }
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What values a parameter has, in few words.
fn values(schema: &Value) -> String {
    let mut words = Vec::new();
    if let Some(choices) = schema["enum"].as_array() {
        words.push(choices.iter().map(text).collect::<Vec<_>>().join(" | "));
    }
    if let Some(others) = schema["anyOf"].as_array() {
        words.push(others.iter().map(values).collect::<Vec<_>>().join(" | "));
    }
    if let Some(only) = schema["const"].as_str() {
        words.push(only.to_owned());
    }
    if words.is_empty() {
        words.extend([&schema["format"], &schema["type"]].into_iter().find_map(Value::as_str).map(str::to_owned));
    }
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => words.push(format!("{least} to {most}")),
        (Some(least), None) => words.push(format!("from {least}")),
        _ => (),
    }
    if !schema["default"].is_null() {
        words.push(format!("default {}", shown(&schema["default"])));
    }
    words.join(", ")
}

/// A text as it is, and anything else as JSON.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| pretty(&value.to_string()), str::to_owned)
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|target| document.pointer(target.trim_start_matches('#')));
    target.unwrap_or(value)
}
