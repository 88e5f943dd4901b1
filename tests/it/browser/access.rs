//! Everyone can use every page: on a phone and on a wide screen, light and dark.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::pages::PAGES;
use super::stocked;
use crate::support::browser::{Browser, SCREENS, Screen};
use crate::support::servers::optional_variable;

/// The rules of WCAG 2.2, A and AA, and those that it took over.
const TAGS: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// Gives what makes the page wider than its screen, if anything does.
const TOO_WIDE: &str = "
    const [width] = arguments, root = document.documentElement;
    const sticksOut = element => element.getBoundingClientRect().right > width && !element.parentElement.closest('.scroll');
    const all = [...document.querySelectorAll('body *')].filter(sticksOut).map(element => element.outerHTML.slice(0, 120));
    return root.scrollWidth > width ? [root.scrollWidth, ...all.slice(0, 8)] : []";

/// Runs axe, and gives a line for each place that breaks a rule.
const AXE: &str = "return axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] }).then(results =>
    results.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} (${rule.help})`)))";

#[tokio::test]
async fn axe_finds_nothing_on_any_page_on_a_phone() {
    assert_axe_finds_nothing(&SCREENS[..2]).await;
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page_on_a_desktop() {
    assert_axe_finds_nothing(&SCREENS[2..]).await;
}

/// `script/screenshots` keeps what is seen on the way in the folder that `EYE_SCREENSHOTS` names.
async fn assert_axe_finds_nothing(screens: &[Screen]) {
    let axe = axe();
    let pictures = optional_variable("EYE_SCREENSHOTS").map(PathBuf::from);
    let (browser, eye) = stocked().await;
    let mut wrong = Vec::new();
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        browser.wait_for(&format!("document.querySelector('{}')", page.shows)).await;
        browser.run(&axe, []).await;
        for &screen in screens {
            browser.look_on(screen).await;
            let found = browser.run(AXE, [json!(TAGS)]).await;
            let found: Vec<String> = serde_json::from_value(found).unwrap();
            wrong.extend(found.iter().map(|line| format!("{} on {}: {line}", page.name, screen.name)));
            if let Some(folder) = &pictures {
                let picture = browser.picture(screen).await;
                fs::write(folder.join(format!("{}-{}.png", page.name, screen.name)), picture).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn axe_finds_what_is_wrong() {
    let (browser, axe) = (Browser::start().await, axe());
    let page =
        "document.documentElement.innerHTML = '<body><img src=x><p style=\"color:#ccc;background:#fff\">pale</p>'";
    browser.run(page, []).await;
    browser.run(&axe, []).await;
    let found = browser.run(AXE, [json!(TAGS)]).await.to_string();
    for rule in ["image-alt", "color-contrast", "html-has-lang"] {
        assert!(found.contains(rule), "{found}");
    }
}

#[tokio::test]
async fn no_page_is_wider_than_its_screen() {
    let (browser, eye) = stocked().await;
    let mut wrong = Vec::new();
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        for width in [320, 360, 768, 1280, 2560] {
            browser.look_on(Screen { width, ..SCREENS[0] }).await;
            let found = browser.run(TOO_WIDE, [width.into()]).await;
            wrong.extend((found != json!([])).then(|| format!("{} on {width}: {found}", page.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn pages_are_dark_where_the_system_is() {
    let (browser, eye) = stocked().await;
    let lightness = "const colour = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
        return colour[0] + colour[1] + colour[2]";
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        for screen in SCREENS {
            browser.look_on(screen).await;
            let sum = browser.run(lightness, []).await.as_f64().unwrap();
            let is_dark = sum < 3.0 * 64.0;
            assert_eq!(is_dark, screen.scheme == "dark", "{} on {}: {sum}", page.name, screen.name);
        }
    }
}

/// axe-core, as npm has it.
fn axe() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm/node_modules/axe-core/axe.min.js");
    let missing = "is not here: script/test installs it";
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{} {missing} ({error})", file.display()))
}
