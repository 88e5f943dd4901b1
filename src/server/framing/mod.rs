//! The bytes of a connection, followed just so far that one can tell where requests begin and end:
//! a pure state machine, fed with pieces that may be cut anywhere.
//!
//! hyper reads requests, this only watches. It is here because hyper is silent on two things: that
//! a head has begun (an idle connection may stay, half a head may not), and that a request came
//! with a length and a transfer coding (hyper drops the length and goes on, and a proxy before us
//! that dropped the other one saw another request: request smuggling, RFC 9112 section 11.2).
//! Whatever hyper refuses ends the connection, so that only what hyper accepts has to be followed.

mod chunks;
mod head;
#[cfg(test)]
pub(super) mod tests;

use chunks::{Chunks, Followed};
use head::{Head, Read};

pub(super) use head::MAX_HEAD;

/// What hyper refuses with a 400 wherever it stands in a head: a NUL is allowed nowhere. The empty
/// line is there because hyper parses a head that came in parts only when it has seen its end.
pub(super) const REFUSED: &[u8] = b"\0\r\n\r\n";

/// What is to be done with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it is handed to the parser.
    Pass,
    /// So many bytes are handed over, then [`REFUSED`], and nothing after that. They end before the
    /// head that is refused, or in it, where its beginning was handed over already.
    Refuse {
        /// How many.
        keep: usize,
    },
    /// So many bytes are handed over, the last of which makes the parser refuse, and nothing after
    /// that.
    End {
        /// How many.
        keep: usize,
    },
}

/// A connection, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Framing {
    head: Head,
    part: Part,
    heads: u64,
}

#[derive(Debug, Default)]
enum Part {
    /// A head, or the empty lines before one.
    #[default]
    Head,
    /// So much of a body is still to come.
    Length(u64),
    Chunked(Chunks),
    /// A verdict was given that ends the connection.
    Over,
}

impl Framing {
    /// Looks at what came next.
    pub(super) fn follow(&mut self, piece: &[u8]) -> Verdict {
        let mut at = 0;
        // Where in this piece the head begins that is being read.
        let mut head_at = 0;
        while let Some(rest @ [_, ..]) = piece.get(at..) {
            match &mut self.part {
                Part::Head => match self.head.follow(rest) {
                    Read::Wanted => return Verdict::Pass,
                    Read::Ends(bytes, body) => {
                        at += bytes;
                        self.heads += 1;
                        self.part = body;
                    }
                    Read::Refused => {
                        self.part = Part::Over;
                        return Verdict::Refuse { keep: head_at };
                    }
                    Read::TooMuch(bytes) => {
                        self.part = Part::Over;
                        return Verdict::End { keep: at + bytes };
                    }
                },
                Part::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= here as u64;
                    at += here;
                }
                Part::Chunked(chunks) => match chunks.follow(rest) {
                    Followed::All => return Verdict::Pass,
                    Followed::Ends(bytes) => {
                        at += bytes;
                        self.part = Part::Head;
                        head_at = at;
                    }
                    Followed::Broken(bytes) => {
                        self.part = Part::Over;
                        return Verdict::End { keep: at + bytes };
                    }
                },
                Part::Over => return Verdict::End { keep: at },
            }
            // A body is over, or there was none.
            if let Part::Length(0) = self.part {
                self.part = Part::Head;
                head_at = at;
            }
        }
        Verdict::Pass
    }

    /// Heads that were read to their end.
    pub(super) fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether a head has begun and not ended.
    pub(super) fn in_head(&self) -> bool {
        matches!(self.part, Part::Head) && self.head.has_begun()
    }
}
