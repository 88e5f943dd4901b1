//! How much room a disk has.

use std::path::Path;

/// The share of a disk that a reserve takes at most: a small one would have nothing but a reserve.
const SHARE: u64 = 10;

/// Bytes that are free on the disk of a file and may be used, and that a reserve of that many leaves
/// alone. None where the system does not say.
pub(crate) fn beyond(reserve: u64, path: &Path) -> Option<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder).ok()?;
    let (free, size) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    Some(free.saturating_sub(reserve.min(size / SHARE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_leaves_less() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (all, some) = (beyond(0, &path).unwrap(), beyond(1 << 30, &path).unwrap());
        assert!(all > 0 && some < all, "{all} {some}");
        assert_eq!(beyond(0, &folder.path().join("nothing/a.db")), None, "a folder that is not there has no room");
        assert!(beyond(0, Path::new("a.db")).is_some(), "a file without a folder is in this one");
    }
}
