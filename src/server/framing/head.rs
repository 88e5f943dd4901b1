//! The head of a request: the few lines in it that say where the request ends, and whether it has
//! the one `Host` that it must have. What else may be wrong with a head is for hyper to find.

use super::Part;
use super::chunks::Chunks;

/// The largest head: request line, headers, and the empty lines around them.
pub(in crate::server) const MAX_HEAD: usize = 16 << 10;

/// A head, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// Bytes of the lines that were read, and of the one that has begun.
    size: usize,
    version: Option<Version>,
    hosts: Count,
    length: Option<u64>,
    chunked: bool,
}

/// What became of some bytes.
#[derive(Debug)]
pub(super) enum Read {
    /// More have to come.
    Wanted,
    /// The head ends after so many of them; that body follows.
    Ends(usize, Part),
    /// A line that may not be there, or one that is missing.
    Refused,
    /// With so many of them the head is too large, and hyper says so.
    TooMuch(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

/// As many as matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Count {
    #[default]
    None,
    One,
}

/// A line that may not be there.
struct Wrong;

impl Head {
    /// Reads lines from the front of `bytes`, to the end of the head or of what there is of it.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Read {
        // One byte over the limit is handed over: only then hyper knows.
        let room = MAX_HEAD + 1 - self.size;
        let here = &bytes[..bytes.len().min(room)];
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &here[at..]) {
            let line = &here[at..at + length];
            at += length + 1;
            if at == room {
                return Read::TooMuch(at);
            }
            let ended = match self.begun.is_empty() {
                true => self.line(line),
                false => self.line_begun(line),
            };
            match ended {
                Ok(None) => (),
                Ok(Some(body)) => {
                    (self.size, self.version, self.hosts) = (0, None, Count::None);
                    (self.length, self.chunked) = (None, false);
                    return Read::Ends(at, body);
                }
                Err(Wrong) => return Read::Refused,
            }
        }
        self.size += here.len();
        self.begun.extend_from_slice(&here[at..]);
        if here.len() == room { Read::TooMuch(room) } else { Read::Wanted }
    }

    /// Whether there is more than empty lines.
    pub(super) fn has_begun(&self) -> bool {
        self.version.is_some() || !matches!(*self.begun, [] | [b'\r'])
    }

    /// The rest of a line whose beginning came before.
    fn line_begun(&mut self, rest: &[u8]) -> Result<Option<Part>, Wrong> {
        let mut line = std::mem::take(&mut self.begun);
        line.extend_from_slice(rest);
        let ended = self.line(&line);
        // Its memory is kept for the next line that is cut.
        line.clear();
        self.begun = line;
        ended
    }

    /// Takes a line without its end; after the last one, says what follows.
    fn line(&mut self, line: &[u8]) -> Result<Option<Part>, Wrong> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(version) = self.version else {
            if !line.is_empty() {
                self.version = Some(version_of(line)?);
            }
            return Ok(None);
        };
        let Some(first) = line.first() else {
            return self.body(version).map(Some);
        };
        // Most lines are told from the three by their first letter.
        match first | 0x20 {
            b'h' if value(line, b"host").is_some() => {
                self.hosts = match self.hosts {
                    Count::None => Count::One,
                    Count::One => return Err(Wrong),
                };
            }
            b'c' => {
                if let Some(value) = value(line, b"content-length") {
                    let length = number(value)?;
                    if self.length.is_some_and(|before| before != length) {
                        return Err(Wrong);
                    }
                    self.length = Some(length);
                }
            }
            b't' => {
                if let Some(value) = value(line, b"transfer-encoding") {
                    // No other coding is undone here, and nothing may be coded in chunks twice.
                    if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                        return Err(Wrong);
                    }
                    self.chunked = true;
                }
            }
            _ => (),
        }
        Ok(None)
    }

    fn body(&self, version: Version) -> Result<Part, Wrong> {
        match (version, self.hosts, self.length, self.chunked) {
            (Version::Http11, Count::None, ..) | (_, _, Some(_), true) | (Version::Http10, _, _, true) => Err(Wrong),
            (_, _, None, true) => Ok(Part::Chunked(Chunks::default())),
            (_, _, length, false) => Ok(Part::Length(length.unwrap_or(0))),
        }
    }
}

/// The version at the end of a request line.
fn version_of(line: &[u8]) -> Result<Version, Wrong> {
    if line.ends_with(b" HTTP/1.1") {
        Ok(Version::Http11)
    } else if line.ends_with(b" HTTP/1.0") {
        Ok(Version::Http10)
    } else {
        Err(Wrong)
    }
}

/// The value of a header, if it is the one of that name. A space before the colon makes hyper refuse.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (before, after) = line.split_at_checked(name.len())?;
    let value = after.strip_prefix(b":")?;
    before.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(value: &[u8]) -> Result<u64, Wrong> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Wrong);
    }
    std::str::from_utf8(value).map_err(|_| Wrong)?.parse().map_err(|_| Wrong)
}
