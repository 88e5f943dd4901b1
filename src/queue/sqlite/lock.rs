//! Keeps a second process out: a locked file beside the queue for each role. The operating system
//! lets go of the lock when its process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::private;
use crate::queue::Role;
use crate::sqlite::OpenError;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the locks of a role.
    pub(super) fn take(queue: &Path, role: Role) -> Result<Vec<Self>, OpenError> {
        let names: &[&str] = match role {
            Role::Both => &["api", "worker"],
            Role::Api => &["api"],
            Role::Worker => &["worker"],
        };
        names.iter().map(|name| Self::take_one(queue, name)).collect()
    }

    fn take_one(queue: &Path, name: &str) -> Result<Self, OpenError> {
        let path = queue.with_extension(format!("{name}.lock"));
        let failed = |problem: String| OpenError::new(&path, problem);
        let mut file = private::file()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => {
                // The number is for people; that it cannot be written changes nothing.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder: String = holder.chars().filter(char::is_ascii_digit).take(10).collect();
                Err(OpenError::new(queue, format!("process {holder} is using it as its {name}; stop that one first")))
            }
            Err(TryLockError::Error(error)) => Err(failed(error.to_string())),
        }
    }
}
