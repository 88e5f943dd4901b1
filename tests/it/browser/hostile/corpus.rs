//! Texts that want to be more than text: as markup, as script, as an address, as a command, or by
//! turning what is seen into something else. What runs sets `__hit` or opens a dialog.

/// All of them.
pub fn corpus() -> Vec<String> {
    TEXTS.iter().map(|text| (*text).to_owned()).chain(generated()).collect()
}

const TEXTS: [&str; 70] = [
    // Elements that run something.
    "<script>window.__hit=1</script>",
    "</script><script>window.__hit=1</script>",
    "<ScRiPt\n>window.__hit=1</sCrIpT >",
    "<script src=data:text/javascript,window.__hit=1></script>",
    "<img src=x onerror=window.__hit=1>",
    "<svg onload=window.__hit=1>",
    "<svg><script>window.__hit=1</script></svg>",
    "<svg><animate onbegin=window.__hit=1 attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.__hit=1>",
    "<iframe srcdoc='<script>parent.__hit=1</script>'></iframe>",
    "<iframe src=javascript:parent.__hit=1></iframe>",
    "<object data=data:text/html,<script>alert(1)</script>></object>",
    "<embed src=javascript:alert(1)>",
    "<video><source onerror=window.__hit=1></video>",
    "<input autofocus onfocus=window.__hit=1>",
    "<details open ontoggle=window.__hit=1><summary>x</summary></details>",
    "<marquee onstart=window.__hit=1>x</marquee>",
    "<body onload=window.__hit=1>",
    "<x-hit onclick=window.__hit=1>click</x-hit>",
    // Elements that change the page, or where it leads.
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//elsewhere.example/x.css>",
    "<base href=//elsewhere.example/>",
    "<meta http-equiv=refresh content='0;url=//elsewhere.example'>",
    "<form action=//elsewhere.example><button>POST</button></form>",
    "<a href=javascript:window.__hit=1>a link</a>",
    "<!-- what follows is gone",
    "--><script>window.__hit=1</script><!--",
    "<![CDATA[<script>window.__hit=1</script>]]>",
    "<plaintext>",
    "</pre></code></textarea></title></svg><x-hit>out</x-hit>",
    "<template><x-hit></template>",
    // Out of an attribute, a string, a character reference.
    "\" onmouseover=\"window.__hit=1",
    "' onfocus='window.__hit=1' autofocus='",
    "\"><x-hit>",
    "'\"`><img src=x onerror=window.__hit=1>",
    "` onclick=window.__hit=1 `",
    "\\\"><script>window.__hit=1</script>",
    "';window.__hit=1;//",
    "${window.__hit=1}",
    "&lt;script&gt;window.__hit=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.__hit=1&#62;&amp;&quot;&NewLine;",
    "\\u003cscript\\u003ewindow.__hit=1\\u003c/script\\u003e",
    // Addresses.
    "javascript:window.__hit=1",
    "JaVaScRiPt:window.__hit=1",
    "java\tscript:window.__hit=1",
    "javascript://elsewhere.example/%0Awindow.__hit=1",
    "data:text/html,<script>window.__hit=1</script>",
    "//elsewhere.example/x",
    "http://elsewhere.example@127.0.0.1/",
    "\u{0430}pple.example",
    // Templates, shells, databases, files, headers, terminals.
    "{{7*7}}{% raw %}{# gone #}{{ config }}",
    "<%= 7*7 %>#{7*7}[[7*7]]",
    "'; DROP TABLE event; --",
    "\" OR 1=1 --",
    "$(touch hit); `touch hit` | touch hit & %USERNAME%",
    "../../../../etc/passwd",
    "..",
    ".",
    "%2e%2e%2f%2e%2e%2f",
    "?format=json#fragment&page=2",
    "a\r\nSet-Cookie: hit=1\r\n\r\n<x-hit>",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\x01\x02\x08\x0b\x0c\x1f\x7f\u{80}\u{85}\u{9f}|",
    // What is seen is not what is there.
    "abc\u{202e}cba\u{202c} \u{2066}isolated\u{2069} \u{2067}x",
    "zero\u{200b}width\u{200d}join\u{feff}mark\u{2060}word\u{ad}hyphen",
    "line\u{2028}separated\u{2029}here",
    "שלום\u{200f} עולם (مرحبا) <b>",
    "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308} 👩🏽\u{200d}🚀 🇩🇪 ﷽",
    // Names that programs have given a meaning.
    "__proto__",
    "constructor",
];

/// Long ones.
fn generated() -> Vec<String> {
    vec![
        "W".repeat(255),
        format!("{}<x-hit>", "long word ".repeat(20)),
        "<b>".repeat(80),
        format!("z{}", "\u{301}".repeat(200)),
    ]
}

/// A text that leaves an event just below its limit of 1 MiB.
pub fn huge() -> String {
    let piece = "<img src=x onerror=window.__hit=1>";
    let mut text = piece.repeat((1024 * 1024 - 4096) / piece.len());
    text.push_str("the end of a megabyte");
    text
}
