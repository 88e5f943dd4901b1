//! The cursor of a list: an opaque text that holds where a page ended and what was asked for.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Params;
use crate::event::{Errors, Timestamp};
use crate::store::{Filter, Order, Position};

/// What a cursor holds.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    pub(super) filter: Filter,
    pub(super) order: Order,
    pub(super) position: Position,
}

/// The same, as it is written into the token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    list: String,
    ascending: bool,
    time: i64,
    id: Uuid,
    /// The number of the application that the position is of; nothing for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
}

impl Cursor {
    /// Reads a token that was made for `list`.
    pub(super) fn read(text: &str, list: &str, errors: &mut Errors) -> Option<Self> {
        let cursor = decode(text).filter(|token| token.list == list).and_then(Self::from_token);
        if cursor.is_none() {
            errors.add(["cursor"], "Invalid cursor.");
        }
        cursor
    }

    /// The token that stands for it.
    pub(super) fn token(&self, list: &str) -> String {
        let token = Token {
            list: list.to_owned(),
            ascending: self.order == Order::Ascending,
            time: self.position.time.as_micros(),
            id: self.position.id,
            number: NonZeroU32::new(self.position.application),
            session_id: self.filter.session_id.clone(),
            category: self.filter.category.clone(),
            name: self.filter.name.clone(),
            start_time: self.filter.start_time.map(Timestamp::as_micros),
            end_time: self.filter.end_time.map(Timestamp::as_micros),
            reason: self.filter.reason.clone(),
            application: self.filter.application.clone(),
        };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("texts and numbers are JSON"))
    }

    /// Whatever a request says beside its cursor must be what the cursor says.
    pub(super) fn check(&self, params: &Params, filter: &Filter, order: Option<Order>, errors: &mut Errors) {
        let mut agree = |name: &str, same: bool| {
            if params.get(name).is_some() && !same {
                errors.add([name], "This contradicts the cursor.");
            }
        };
        agree("session_id", filter.session_id == self.filter.session_id);
        agree("category", filter.category == self.filter.category);
        agree("name", filter.name == self.filter.name);
        agree("start_time", filter.start_time == self.filter.start_time);
        agree("end_time", filter.end_time == self.filter.end_time);
        agree("reason", filter.reason == self.filter.reason);
        agree("application", filter.application == self.filter.application);
        agree("order", order == Some(self.order));
        if params.get("page").is_some() {
            errors.add(["page"], "A page number and a cursor exclude each other.");
        }
    }

    fn from_token(token: Token) -> Option<Self> {
        let time = |micros: Option<i64>| match micros {
            Some(micros) => Timestamp::from_micros(micros).map(Some),
            None => Some(None),
        };
        Some(Self {
            position: Position {
                time: Timestamp::from_micros(token.time)?,
                id: token.id,
                application: token.number.map_or(0, NonZeroU32::get),
            },
            order: if token.ascending { Order::Ascending } else { Order::Descending },
            filter: Filter {
                session_id: token.session_id,
                category: token.category,
                name: token.name,
                start_time: time(token.start_time)?,
                end_time: time(token.end_time)?,
                reason: token.reason,
                application: token.application,
            },
        })
    }
}

fn decode(text: &str) -> Option<Token> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
