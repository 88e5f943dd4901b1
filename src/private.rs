//! Files and folders that nobody but their owner can read or write, made with modes that say so: the umask is the
//! host's where The Eye is embedded, and is not touched. What is there already keeps the mode it has.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder, and those around it, where they are not there.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// How a file is opened that may have to be made. SQLite gives the mode of a database to what it makes beside it.
pub(crate) fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}
