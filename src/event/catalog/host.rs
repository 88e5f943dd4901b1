//! The schema format `host`: where a page lives, as browsers and applications write it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a text is a host name or an IP address, with or without a port, an `http://` or
/// `https://` before it and a `/` after it.
///
/// Names follow RFC 1123, with underscores and with letters beyond ASCII, since both occur in
/// what applications send. A name whose last label is a number has to be an IPv4 address.
pub(super) fn is_host(text: &str) -> bool {
    let text = without_scheme(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && port.strip_prefix(':').map_or(port.is_empty(), is_port);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    match text.split_once(':') {
        Some((name, port)) => is_name(name) && is_port(port),
        None => is_name(text),
    }
}

fn without_scheme(text: &str) -> &str {
    for scheme in ["http://", "https://"] {
        if let Some((start, rest)) = text.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return rest;
        }
    }
    text
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    name.chars().count() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let inner = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    (1..=63).contains(&label.chars().count())
        && label.chars().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::is_host;

    fn check(expected: bool, hosts: &[&str]) {
        for host in hosts {
            assert_eq!(is_host(host), expected, "{host}");
        }
    }

    #[test]
    fn names_and_addresses_are_hosts() {
        check(
            true,
            &[
                "example.com",
                "www.example.com",
                "localhost",
                "localhost:8000",
                "a",
                "a-b.example",
                "EXAMPLE.com.",
                "127.0.0.1",
                "127.0.0.1:80",
                "::1",
                "[::1]",
                "[2001:db8::1]:8443",
                "http://example.com",
                "https://example.com/",
                "HTTPS://example.com:443/",
                "http://[::1]:80/",
                "my_app:8000",
                "xn--mller-kva.de",
                "müller.de",
                "1und1.de",
                "3.example",
                "example.com:0",
            ],
        );
    }

    #[test]
    fn anything_else_is_none() {
        check(
            false,
            &[
                "",
                " ",
                "/",
                "http://",
                "https:///",
                "ftp://example.com",
                "//example.com",
                "example.com/path",
                "example.com//",
                "example..com",
                ".example.com",
                "-a.example",
                "a-.example",
                "exa mple.com",
                "user@example.com",
                "example.com:",
                "example.com:http",
                "example.com:65536",
                "example.com:-1",
                "[::1",
                "[127.0.0.1]",
                "[::1]80",
                "999.1.1.1",
                "1.2.3",
                "256.256.256.256",
                "javascript:alert(1)",
                "example.com?q",
                "example.com#x",
                "<script>",
                "example.com\n",
                "a,b",
                "http://http://example.com",
                "*.example.com",
            ],
        );
        check(false, &[&"a".repeat(64), &format!("{}com", "a.".repeat(130))]);
    }
}
