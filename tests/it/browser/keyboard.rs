//! Whoever has no mouse reaches everything, in order, and sees where they are.

use serde_json::json;

use super::pages::PAGES;
use super::stocked;

const TAB: char = '\u{e004}';

/// How often Tab is pressed within one field: one of a date and a time has that many parts.
const PARTS: usize = 9;

/// Gives what can be focused and is shown, in the order of the document, a number each, and goes to the top.
/// Of several radio buttons Tab reaches the one that is chosen; arrows go on from there.
const NUMBER: &str = "
    const seen = element => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
    const reached = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]
        .filter(element => seen(element) && element.type != 'hidden' && (element.type != 'radio' || element.checked));
    document.body.tabIndex = -1;
    document.body.focus();
    reached.forEach((element, index) => element.dataset.order = index);
    return reached.length";

/// Says which one has the focus, and whether that can be seen.
const FOCUS: &str = "
    const element = document.activeElement, style = getComputedStyle(element);
    const outlined = style.outlineStyle != 'none' && parseFloat(style.outlineWidth) > 0;
    return [Number(element.dataset.order), outlined || style.boxShadow != 'none', element.outerHTML.slice(0, 120)]";

#[tokio::test]
async fn tab_reaches_everything_in_order_and_focus_is_seen() {
    let (browser, eye) = stocked().await;
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        let count = browser.run(NUMBER, []).await.as_u64().unwrap();
        assert!(count > 0, "{} has nothing to reach", page.name);
        for expected in 0..count {
            let mut focus = json!([]);
            for _ in 0..PARTS {
                browser.press(TAB).await;
                focus = browser.run(FOCUS, []).await;
                if focus[0].as_u64().is_none_or(|order| order >= expected) {
                    break;
                }
            }
            assert_eq!(focus[0], expected, "{}: {focus}", page.name);
            assert_eq!(focus[1], true, "{}: focus is not seen on {focus}", page.name);
        }
    }
}
