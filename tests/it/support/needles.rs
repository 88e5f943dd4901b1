//! What is found in files that should not be there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files in which one of the texts is found.
pub fn files_with(folder: &Path, needles: &[Vec<u8>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // By their first two bytes: there are thousands of them.
    let mut by_start: Vec<Vec<&[u8]>> = vec![Vec::new(); 1 << 16];
    let start = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    for needle in needles {
        by_start[start(needle)].push(needle);
    }
    let is_at = |rest: &[u8]| by_start[start(rest)].iter().any(|needle| rest.starts_with(needle));
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if (1..bytes.len()).any(|end| is_at(&bytes[end - 1..])) {
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}
