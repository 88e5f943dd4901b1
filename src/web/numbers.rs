//! Numbers as people read them.

use bytesize::ByteSize;

/// With a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in their unit.
pub(super) fn bytes(number: u64) -> String {
    ByteSize::b(number).to_string()
}

/// A length of time, in its two largest units.
pub(super) fn duration(micros: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let micros = micros.max(0);
    if micros < 1000 {
        return format!("{micros} µs");
    }
    if micros < 1_000_000 {
        return format!("{} ms", micros / 1000);
    }
    let seconds = micros / 1_000_000;
    let at = UNITS.iter().position(|(unit, _)| seconds >= *unit).expect("it is a second at least");
    let (unit, name) = UNITS[at];
    match UNITS.get(at + 1) {
        Some((next, next_name)) if seconds % unit >= *next => {
            format!("{} {name} {} {next_name}", seconds / unit, seconds % unit / next)
        }
        _ => format!("{} {name}", seconds / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (123_456_789, "123,456,789")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_length_of_time_has_two_units_at_most() {
        for (micros, expected) in [
            (-5, "0 µs"),
            (12, "12 µs"),
            (1500, "1 ms"),
            (59_999_999, "59 s"),
            (60_000_000, "1 min"),
            (3_725_000_000, "1 h 2 min"),
            (3_605_000_000, "1 h"),
            (90_000_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(micros), expected, "{micros}");
        }
    }
}
