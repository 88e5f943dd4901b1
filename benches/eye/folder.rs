//! Folders for what is written, all on one disk: what is compared has to flush to the same one.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that is removed when it is no longer needed.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one below [`place`].
    pub(crate) fn new(name: &str) -> Self {
        Self(tempfile::Builder::new().prefix(&format!("bench-{name}-")).tempdir_in(place()).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Where all of them are: in `BENCH_FOLDER`, or beside what was built.
pub(crate) fn place() -> PathBuf {
    let place = std::env::var_os("BENCH_FOLDER").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    std::fs::create_dir_all(&place).unwrap();
    place
}
