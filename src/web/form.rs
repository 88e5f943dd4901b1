//! Events sent as forms: the fields are texts, and `data` is JSON text.

use std::borrow::Cow;

use futures_util::FutureExt;

use crate::event::{Field, Fields, RawEvent};

/// The fields of a form of ours that holds a body of another type, as DRF calls them.
pub(super) const CONTENT_TYPE_FIELD: &str = "_content_type";
pub(super) const CONTENT_FIELD: &str = "_content";

/// The fields of one form, in the order in which they came.
pub(super) type Pairs = Vec<(String, String)>;

/// Reads an `application/x-www-form-urlencoded` body.
pub(super) fn urlencoded(body: &[u8]) -> Result<Pairs, String> {
    let mut pairs = Vec::new();
    for part in body.split(|&byte| byte == b'&').filter(|part| !part.is_empty()) {
        let (name, value) = match part.iter().position(|&byte| byte == b'=') {
            Some(at) => (&part[..at], &part[at + 1..]),
            None => (part, &[][..]),
        };
        match (decoded(name), decoded(value)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => return Err("Form parse error - a field is not valid UTF-8".to_owned()),
        }
    }
    Ok(pairs)
}

/// Reads a `multipart/form-data` body. Files count as the text they hold.
pub(super) fn multipart(body: &[u8], boundary: &str) -> Result<Pairs, String> {
    // The parser reads a stream; this one has everything at once, so nothing is ever waited for.
    let pairs = parts(bytes::Bytes::copy_from_slice(body), boundary).now_or_never();
    pairs.unwrap_or_else(|| Err("Multipart form parse error - the body has no end".to_owned()))
}

async fn parts(body: bytes::Bytes, boundary: &str) -> Result<Pairs, String> {
    let problem = |error: multer::Error| format!("Multipart form parse error - {error}");
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(problem)? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.bytes().await.map_err(problem)?;
        let value = std::str::from_utf8(&value)
            .map_err(|_| "Multipart form parse error - a field is not valid UTF-8".to_owned())?;
        pairs.push((name, value.to_owned()));
    }
    Ok(pairs)
}

/// The event that a form holds.
pub(super) fn event<'a>(pairs: &'a Pairs, body: &'a [u8]) -> Result<RawEvent<'a>, String> {
    let mut fields = Fields::default();
    for (name, value) in pairs {
        if name.contains('\0') || value.contains('\0') {
            return Err("Form parse error - NUL character in a field".to_owned());
        }
        let Some(slot) = fields.slot(name) else {
            fields.unknown.push(Cow::Borrowed(name));
            continue;
        };
        if slot.is_some() {
            return Err(format!("Form parse error - duplicate field `{name}`"));
        }
        *slot = match name.as_str() {
            "data" => Some(Field::from_form_json(value)),
            // Browsers send fields that were left empty; this one need not be there.
            "id" if value.is_empty() => None,
            _ => Some(Field::Text(Cow::Borrowed(value))),
        };
    }
    Ok(RawEvent { text: body, fields: Ok(fields) })
}

/// Whether a form may be one that holds a body of another type: a cheap look, before it is read.
pub(super) fn may_hold_a_body(form: &[u8]) -> bool {
    form.starts_with(CONTENT_TYPE_FIELD.as_bytes())
}

/// The content type and the body that a form of ours holds, if it has those two fields and no other.
pub(super) fn held_body(form: &[u8]) -> Option<(String, String)> {
    let mut pairs = urlencoded(form).ok()?.into_iter();
    match (pairs.next()?, pairs.next()?, pairs.next()) {
        ((first, content_type), (second, body), None) if first == CONTENT_TYPE_FIELD && second == CONTENT_FIELD => {
            Some((content_type, body))
        }
        _ => None,
    }
}

/// A percent-encoded text, or `None` if it is not UTF-8.
pub(super) fn decoded(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_encoding::percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}
