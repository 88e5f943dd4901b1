//! Whoever has no mouse reaches everything, in order, and sees where they are.

use serde_json::Value;

use super::pages::PAGES;
use super::stocked;

const TAB: char = '\u{e004}';

/// Goes to the top, gives what can be focused and is shown a number each, in the order of the document, and notes
/// what gets the focus: its number, whether that can be seen, and what it is. Of several radio buttons Tab
/// reaches the one that is chosen; arrows go on from there.
const WATCH: &str = "
    const seen = element => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
    const reached = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]
        .filter(element => seen(element) && element.type != 'hidden' && (element.type != 'radio' || element.checked));
    reached.forEach((element, index) => element.dataset.order = index);
    document.body.tabIndex = -1;
    document.body.focus();
    window.focused = [];
    const drawn = element => getComputedStyle(element).stroke != 'none';
    document.addEventListener('focusin', ({ target }) => {
        const style = getComputedStyle(target), group = target.closest('label') ?? target;
        const outlined = [target, group].some(element => parseFloat(getComputedStyle(element).outlineWidth) > 0 &&
            getComputedStyle(element).outlineStyle != 'none');
        const marked = outlined || style.boxShadow != 'none' || [...target.querySelectorAll('svg *')].some(drawn);
        window.focused.push([Number(target.dataset.order), marked, target.outerHTML.slice(0, 120)]);
    });
    return reached.length";

#[tokio::test]
async fn tab_reaches_everything_in_order_and_focus_is_seen() {
    let (browser, eye) = stocked().await;
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        let count: usize = serde_json::from_value(browser.run(WATCH, []).await).unwrap();
        let mut focused: Vec<Value> = Vec::new();
        // A field for a date and a time takes more than one.
        let mut presses = count;
        while presses > 0 && focused.len() < count {
            browser.press(TAB, presses).await;
            let now: Vec<Value> = serde_json::from_value(browser.run("return window.focused", []).await).unwrap();
            presses = if now.len() > focused.len() { count.saturating_sub(now.len()) } else { 0 };
            focused = now;
        }
        assert!(count > 0 && focused.len() >= count, "{}: {count} in all, reached {focused:#?}", page.name);
        for (expected, focus) in (0..count).zip(focused) {
            assert_eq!(focus[0], expected, "{}: {focus}", page.name);
            assert_eq!(focus[1], true, "{}: focus is not seen on {focus}", page.name);
        }
    }
}
