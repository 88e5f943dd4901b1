//! Numbers and depth: what a double cannot hold is refused, everything else is kept to the last digit.

use super::strict::{form_column, submit};
use super::*;

#[tokio::test]
async fn numbers_are_kept_to_the_last_digit() {
    let long = "123456789".repeat(14_556);
    let digits = format!("0.{long}");
    let whole = format!("{}e-131000", &long[..131_000]);
    let rows: Vec<_> = [
        "0",
        "-0",
        "-0.0",
        "0e0",
        "-0e-400",
        "1.10",
        "100E-2",
        "1e+5",
        "1E5",
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775808",
        "18446744073709551616",
        "-18446744073709551617",
        "1.7976931348623157e308",
        "-1.7976931348623157e308",
        "4.9e-324",
        "1e-400",
        "1e-999999999999",
        "0.1000000000000000055511151231257827021181583404541015625",
        "3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628",
        &digits,
        &whole,
    ]
    .into_iter()
    .map(|number| (submit(number), format!("\"form\":{number}}}")))
    .collect();
    check_kept(&rows).await;
}

#[tokio::test]
async fn numbers_that_no_double_holds_are_refused() {
    let long = "9".repeat(131_000);
    let mut rows = Vec::new();
    for (number, what, at) in [
        ("1e400", "number out of the range of a double", 0),
        ("-1e400", "number out of the range of a double", 0),
        ("1.7976931348623159e308", "number out of the range of a double", 0),
        ("1e309", "number out of the range of a double", 0),
        ("1E+99999999999999999999", "number out of the range of a double", 0),
        (long.as_str(), "number out of the range of a double", 0),
        ("00", "number with a leading zero", 0),
        ("-00.5", "number with a leading zero", 0),
        ("1e", "expected a digit", 2),
        ("1e+", "expected a digit", 3),
        ("1.e5", "expected a digit", 2),
        ("-.5", "expected a digit", 1),
        ("--1", "expected a digit", 1),
        ("1_000", "expected `,` or `}`", 1),
        ("1,000", "expected a key in double quotes", 2),
        ("1n", "expected `,` or `}`", 1),
        ("NaN", "expected a value", 0),
        ("-Infinity", "expected a digit", 1),
        ("\u{661}", "expected a value", 0),
    ] {
        rows.push((sent(submit(number)), 400, parse_error(what, 1, form_column() + at)));
    }
    check_refused(&rows).await;
}

#[tokio::test]
async fn sixty_four_levels_are_allowed_and_not_one_more() {
    let nested = |open: &str, close: &str, levels: usize| format!("{}0{}", open.repeat(levels), close.repeat(levels));
    // The event and its data are two levels.
    let kept: Vec<_> = [nested("[", "]", 62), nested("{\"a\":", "}", 62), nested("[{\"a\":", "}]", 31)]
        .into_iter()
        .map(|form| (submit(&form), format!("\"form\":{form}}}")))
        .collect();
    check_kept(&kept).await;
    let mut rows = Vec::new();
    for levels in [63, 64, 65, 1000, 100_000] {
        let at = form_column();
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let column = at + 62 * open.len();
            let form = nested(open, close, levels);
            rows.push((sent(submit(&form)), 400, parse_error("nested deeper than 64 levels", 1, column)));
            let line = typed("application/x-ndjson", submit(&form));
            let error = whole(&format!("JSON parse error - nested deeper than 64 levels: line 1 column {column}"));
            let row = format!(r#"{{"accepted":0,"rejected":1,"results":[{{"index":0,"errors":{error}}}]}}"#);
            rows.push((line, 400, row));
        }
    }
    for (open, columns) in [("[", 66), ("{\"a\":", 64 * 5 + 1)] {
        // Cut off in the depth: the level is seen first.
        rows.push((sent(open.repeat(100_000)), 400, parse_error("nested deeper than 64 levels", 1, columns)));
    }
    check_refused(&rows).await;
}
