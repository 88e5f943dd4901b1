//! Open files: each connection is one, and a process may have so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that databases, logs and the runtime need beside connections.
const OTHERS: usize = 200;

/// Raises the limit as far as the system lets this process raise it. Shells start programs with
/// 1,024, for the sake of an old system call that nothing here uses.
pub(crate) fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(error = %error, "the limit of open files cannot be raised");
    }
}

/// How many of so many connections there is room for. At the limit of files nothing could be
/// accepted, not even to be refused, and no database file opened.
pub(super) fn room_for(connections: usize) -> usize {
    let files =
        getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let room = files.saturating_sub(OTHERS).max(files / 2);
    if room < connections {
        tracing::warn!(
            files,
            "this process may have too few files open for EYE_MAX_CONNECTIONS={connections}; it takes {room} (see ulimit -n)"
        );
    }
    room.min(connections)
}
