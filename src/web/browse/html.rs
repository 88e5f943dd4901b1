//! Texts that others wrote, as HTML: nothing in them is markup, hides or turns what stands beside it.

use std::fmt;

use askama::filters::HtmlSafe;

use super::super::pretty::{is_hidden, push_escape};

/// A text on a page, apart from the direction of what is around it. In a template: `{{ shown(text) }}`.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Shown<'a>(&'a str);

/// A text that somebody else wrote, for a page.
pub(in crate::web) fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(self.0.len() + 16);
        push(&mut out, self.0);
        write!(f, "<bdi>{out}</bdi>")
    }
}

impl HtmlSafe for Shown<'_> {}

/// Appends a text as the content of an element. Hidden characters become
/// escapes that can be told from text.
pub(super) fn push(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            hidden if is_hidden(hidden) => {
                out.push_str("<span class=\"esc\">");
                push_escape(out, hidden);
                out.push_str("</span>");
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup_or_hides() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text).to_string(), format!("<bdi>{expected}</bdi>"));
        check("a é 👋", "a é 👋");
        check("<b a='\"'>&amp;", "&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;");
        check("a\u{202e}b", "a<span class=\"esc\">\\u202e</span>b");
        check("\n", "<span class=\"esc\">\\u000a</span>");
    }
}
