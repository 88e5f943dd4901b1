//! SQLite's write-ahead log, read without SQLite: whether a page that is torn in the file is whole in its log. To
//! ask SQLite itself is to let it write into a file of which one does not know yet whether it is damaged.
//!
//! The format is that of <https://www.sqlite.org/fileformat2.html#walformat>.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// What a log begins with; the last bit says in which order the sums take bytes.
const MAGIC: u32 = 0x377f_0682;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Whether the state after the last commit in a log has that page from the log, or is too small to have it. A log
/// that is missing, or is none, has no page.
pub(super) fn makes_up_for(log: &Path, page: u32) -> io::Result<bool> {
    let mut log = match File::open(log) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER];
    if !filled(&mut log, &mut header)? || word(&header, 0) & !1 != MAGIC {
        return Ok(false);
    }
    let sums = Sums { big_endian: word(&header, 0) & 1 == 1 };
    let mut sum = sums.add((0, 0), &header[..24]);
    let size = word(&header, 8) as usize;
    if sum != (word(&header, 24), word(&header, 28)) || !size.is_power_of_two() || !(512..=65536).contains(&size) {
        return Ok(false);
    }
    let mut frame = vec![0; FRAME_HEADER + size];
    let (mut held, mut committed) = (false, false);
    while filled(&mut log, &mut frame)? {
        sum = sums.add(sums.add(sum, &frame[..8]), &frame[FRAME_HEADER..]);
        // Behind the end lies what is left of an older log, or of a transaction that was cut off.
        if frame[8..16] != header[16..24] || sum != (word(&frame, 16), word(&frame, 20)) {
            break;
        }
        held |= word(&frame, 0) == page;
        let pages = word(&frame, 4);
        if pages != 0 {
            committed = held || pages < page;
        }
    }
    Ok(committed)
}

/// Whether there was as much to read.
fn filled(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// The big-endian number that begins there.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// The running sums that frames are checked by.
struct Sums {
    big_endian: bool,
}

impl Sums {
    fn add(&self, sum: (u32, u32), bytes: &[u8]) -> (u32, u32) {
        let word = |at| match self.big_endian {
            true => word(bytes, at),
            false => word(bytes, at).swap_bytes(),
        };
        (0..bytes.len()).step_by(8).fold(sum, |(even, odd), at| {
            let even = even.wrapping_add(word(at)).wrapping_add(odd);
            (even, odd.wrapping_add(word(at + 4)).wrapping_add(even))
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::sqlite::damage::beside;

    #[test]
    fn a_log_has_the_pages_that_its_commits_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let log = beside(&path, "-wal");
        assert!(!makes_up_for(&log, 1).unwrap(), "there is none");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE a (x); CREATE TABLE b (x); PRAGMA wal_checkpoint(TRUNCATE)",
            )
            .unwrap();
        connection.execute_batch("INSERT INTO b VALUES (1)").unwrap();
        let pages = [1, 2, 3, 4].map(|page| makes_up_for(&log, page).unwrap());
        assert_eq!(pages, [false, false, true, true], "the third is in the log, a fourth there is not");
        let whole = std::fs::read(&log).unwrap();
        for at in [0, 8, 17, 24, HEADER + 3, HEADER + 4, HEADER + 17, HEADER + 2000, whole.len() - 1] {
            let mut harmed = whole.clone();
            harmed[at] ^= 0x40;
            std::fs::write(&log, harmed).unwrap();
            assert!(!makes_up_for(&log, 3).unwrap(), "byte {at} was changed");
        }
        std::fs::write(&log, &whole[..whole.len() - 1]).unwrap();
        assert!(!makes_up_for(&log, 3).unwrap(), "its only frame was cut");
    }
}
