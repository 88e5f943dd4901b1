//! What is refused, what is followed, and that it does not matter where the bytes are cut.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// What a connection came to: what the parser is handed, the heads that were read, whether one has
/// begun.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    verdict: &'static str,
    heads: u64,
    in_head: bool,
}

/// Feeds the pieces, and gives what the parser is handed too.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Outcome, Vec<u8>) {
    let (mut framing, mut handed, mut verdict) = (Framing::default(), Vec::new(), "pass");
    for piece in pieces {
        match framing.follow(piece) {
            Verdict::Pass => handed.extend_from_slice(piece),
            Verdict::Refuse { keep } => {
                handed.extend_from_slice(&piece[..keep]);
                verdict = "refuse";
                break;
            }
            Verdict::End { keep } => {
                handed.extend_from_slice(&piece[..keep]);
                verdict = "end";
                break;
            }
        }
    }
    (Outcome { verdict, heads: framing.heads(), in_head: framing.in_head() }, handed)
}

/// Checks the outcome, whole and byte by byte.
#[track_caller]
fn check(bytes: &str, verdict: &'static str, heads: u64, in_head: bool) {
    let expected = Outcome { verdict, heads, in_head };
    assert_eq!(feed([bytes.as_bytes()]).0, expected, "{bytes:?}");
    assert_eq!(feed(bytes.as_bytes().chunks(1)).0, expected, "{bytes:?}, byte by byte");
}

#[test]
fn requests_are_told_apart() {
    check("", "pass", 0, false);
    check("\r\n\n\r", "pass", 0, false);
    check("\r\nG", "pass", 0, true);
    check("GET / HTTP/1.1\r\nHost: a\r\n", "pass", 0, true);
    check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "pass", 1, false);
    check("GET / HTTP/1.1\nhOST:a\n\nGET / HTTP/1.0\n\nG", "pass", 2, true);
    check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", "pass", 1, false);
    check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nGET GET", "pass", 1, true);
    check("POST / HTTP/1.1\r\nHost: a\r\ncontent-length:\t 04 \r\n\r\nGET \r\n", "pass", 1, false);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    check(&format!("{chunked}0\r\n\r\n"), "pass", 1, false);
    check(&format!("{chunked}0\r\n\r\nG"), "pass", 1, true);
    check(&format!("{chunked}3 ;x=\"\r\n0\r\r\r\n0\r\nA: b\r\nC: d\r\n\r\nG"), "pass", 1, true);
    check(&format!("{chunked}A\r\n0\r\n\r\nGET /\r\n00\r\n\r\n"), "pass", 1, false);
}

#[test]
fn requests_whose_end_is_in_doubt_are_refused() {
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "transfer-encoding:chunked\r\nX: y\r\ncontent-length:0\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: \r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Host: a\r\n",
        "hOsT:b\r\n",
    ] {
        check(&format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"), "refuse", 0, false);
        check(
            &format!("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"),
            "refuse",
            1,
            false,
        );
    }
    check("GET / HTTP/1.1\r\n\r\n", "refuse", 0, false);
    check("GET / HTTP/1.1\r\nHosts: a\r\n\r\n", "refuse", 0, false);
    check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "refuse", 0, false);
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refuse", 0, false);
    check("GET /\r\n", "refuse", 0, false);
    check("nonsense\n", "refuse", 0, false);
}

#[test]
fn what_hyper_refuses_is_handed_to_it_and_nothing_after() {
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for broken in ["x", ";", "3\n", "3\r\r", "3 3", "3\r\nabcd", "3\r\nabc\r\r", "1ffffffffffffffff", "1;\n"] {
        check(&format!("{chunked}{broken}"), "end", 1, false);
        let (_, handed) = feed([format!("{chunked}{broken}\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()]);
        assert_eq!(handed, format!("{chunked}{broken}").as_bytes());
    }
    let filling = "x".repeat(MAX_HEAD - "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len());
    check(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {filling}\r\n\r\n"), "pass", 1, false);
    check(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {filling}x\r\n\r\n"), "end", 0, false);
    check(&format!("\n{}", "GET".repeat(MAX_HEAD)), "end", 0, false);
}

/// Pieces of requests: whole ones, and what makes them ambiguous.
pub(in crate::server) fn pieces_of_requests() -> impl Strategy<Value = Vec<&'static str>> {
    let pieces = select(&[
        "GET / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\n",
        "GET / HTTP/1.0\n",
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "\n",
        "hello",
        "5\r\nhello\r\n",
        "3;x\r\nabc\r\n",
        "0\r\n",
        "0\r\nA: b\r\n\r\n",
        "\r",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    ] as &[_]);
    vec(pieces, 0..12)
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut(pieces in pieces_of_requests(), cuts in vec(0.0..1.0f64, 0..8)) {
        let bytes = pieces.concat().into_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short text")]
        let mut cuts: Vec<_> = cuts.iter().map(|cut| (cut * bytes.len() as f64) as usize).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        let (whole, handed) = feed([&bytes[..]]);
        let (cut, handed_in_parts) = feed(parts);
        prop_assert_eq!(&whole, &cut);
        // Of a head that is refused, more or less of the beginning was handed over already.
        prop_assert!(handed_in_parts.starts_with(&handed));
        if whole.verdict != "refuse" {
            prop_assert_eq!(handed, handed_in_parts);
        }
    }
}
