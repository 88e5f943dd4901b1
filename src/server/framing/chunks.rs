//! A body in chunks, with extensions and trailers: where it ends. It takes what hyper's decoder
//! takes, byte by byte, since a body that the two see end in different places would hide a request
//! from one of them.

/// A body, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// The size of the chunk that is being read, or what is left of it.
    size: u64,
}

/// What became of some bytes.
#[derive(Debug)]
pub(super) enum Followed {
    /// They are all of the body.
    All,
    /// The body ends after so many of them.
    Ends(usize),
    /// The last of so many cannot be where it is.
    Broken(usize),
}

#[derive(Debug, Clone, Copy, Default)]
enum At {
    #[default]
    Start,
    Size,
    Space,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    EndCr,
    EndLf,
}

impl Chunks {
    /// Looks at what came next.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let At::Data = self.at {
                let here = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - at);
                self.size -= here as u64;
                at += here;
                if self.size == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            at += 1;
            if let (At::EndLf, b'\n') = (self.at, byte) {
                return Followed::Ends(at);
            }
            match self.after(byte) {
                Some(next) => self.at = next,
                None => return Followed::Broken(at),
            }
        }
        Followed::All
    }

    fn after(&mut self, byte: u8) -> Option<At> {
        match (self.at, byte) {
            (At::Start | At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16)?;
                self.size = self.size.checked_mul(16)?.checked_add(u64::from(digit))?;
                Some(At::Size)
            }
            (At::Size | At::Space, b'\t' | b' ') => Some(At::Space),
            (At::Size | At::Space, b';') => Some(At::Extension),
            (At::Size | At::Space | At::Extension, b'\r') => Some(At::SizeLf),
            (At::Extension, b'\n') => None,
            (At::Extension, _) => Some(At::Extension),
            (At::SizeLf, b'\n') => Some(if self.size == 0 { At::EndCr } else { At::Data }),
            (At::DataCr, b'\r') => Some(At::DataLf),
            (At::DataLf, b'\n') => Some(At::Start),
            (At::EndCr, b'\r') => Some(At::EndLf),
            (At::EndCr, _) => Some(At::Trailer),
            (At::Trailer, b'\r') => Some(At::TrailerLf),
            (At::Trailer, _) => Some(At::Trailer),
            (At::TrailerLf, b'\n') => Some(At::EndCr),
            _ => None,
        }
    }
}
