//! What is said of an event whose application this store knows otherwise. Both name and number come from a store:
//! this is not the one they came from, or not as it was.

use crate::event::Application;

/// That its number is another one's here.
pub(super) fn another_name(said: &Application, known: &str) -> String {
    let Application { number, name } = said;
    format!("application {number} is `{known}` here, and the event says `{name}`")
}

/// That its name has another number here.
pub(super) fn another_number(said: &Application, known: u32) -> String {
    let Application { number, name } = said;
    format!("application `{name}` has the number {known} here, and the event says {number}")
}
