//! The pages in a real browser: what people see and can do, on every screen, and what event data
//! cannot do to them.

mod access;
mod forms;
mod hostile;
mod keyboard;
mod lists;
mod live;
mod overview;
mod pages;
mod quiet;
mod replay;
mod sessions;
mod stock;

use crate::support::TestEye;
use crate::support::browser::Browser;

/// A browser, and an Eye that holds what the pages list is about.
async fn stocked() -> (Browser, TestEye) {
    let eye = TestEye::start().await;
    stock::fill(&eye).await;
    (Browser::start().await, eye)
}
