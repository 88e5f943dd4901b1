//! Content encodings: what a compressed body stands for, up to a limit, out of the shared budget.

use std::io::{self, Read};

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;

use super::body::{Share, too_large};
use super::error::Error;

/// Encodings one over the other that are read. More than one is odd already.
const MOST: usize = 2;

/// Bytes decoded at a time, and taken from the budget before.
const STEP: usize = 64 * 1024;

/// Memory for the back references of zstd, as a power of two: RFC 9659's 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// The encodings of a body, in the order in which they were applied.
    pub(super) fn of(headers: &HeaderMap) -> Result<Vec<Self>, Error> {
        let unsupported = |name: &str| {
            let name: String = name.chars().take(40).collect();
            Error::UnsupportedMediaType(format!("Unsupported content encoding \"{name}\" in request."))
        };
        let mut encodings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| unsupported("?"))?;
            for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                match name.to_ascii_lowercase().as_str() {
                    "identity" => (),
                    "gzip" | "x-gzip" => encodings.push(Self::Gzip),
                    "deflate" => encodings.push(Self::Deflate),
                    "br" => encodings.push(Self::Brotli),
                    "zstd" => encodings.push(Self::Zstd),
                    _ => return Err(unsupported(name)),
                }
            }
        }
        match encodings.len() > MOST {
            true => Err(unsupported("more than two")),
            false => Ok(encodings),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The bytes that the encodings were applied to.
pub(super) fn decode(bytes: &[u8], encodings: &[Encoding], limit: usize, share: &mut Share) -> Result<Vec<u8>, Error> {
    let mut decoded = None;
    for &encoding in encodings.iter().rev() {
        decoded = Some(decode_one(decoded.as_deref().unwrap_or(bytes), encoding, limit, share)?);
    }
    Ok(decoded.unwrap_or_else(|| bytes.to_vec()))
}

fn decode_one(bytes: &[u8], encoding: Encoding, limit: usize, share: &mut Share) -> Result<Vec<u8>, Error> {
    let broken = |_: io::Error| Error::Unreadable(format!("The body is not valid {}.", encoding.name()));
    let mut decoder: Box<dyn Read + '_> = match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        // RFC 9110 means zlib's format; some clients send the bare stream.
        Encoding::Deflate if is_zlib(bytes) => Box::new(flate2::read::ZlibDecoder::new(bytes)),
        Encoding::Deflate => Box::new(flate2::read::DeflateDecoder::new(bytes)),
        Encoding::Brotli => Box::new(brotli::Decompressor::new(bytes, STEP)),
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(bytes).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            Box::new(decoder)
        }
    };
    let mut decoded = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let count = decoder.read(&mut step).map_err(broken)?;
        if count == 0 {
            return Ok(decoded);
        }
        if decoded.len() + count > limit {
            return Err(too_large(limit));
        }
        share.grow(count)?;
        decoded.extend_from_slice(&step[..count]);
    }
}

/// Whether a stream begins with zlib's header: method 8, and a checksum over two bytes.
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [method, flags, ..] => method & 0x0F == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}
