//! `psql \copy` of the same rows into a table without an index.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use the_eye::event::Event;

use crate::mix;

/// The client of a PostgreSQL, and where that is.
#[derive(Debug, Clone)]
pub(crate) struct Psql {
    program: PathBuf,
    pub(crate) url: String,
}

impl Psql {
    /// What `script/dev-services` says, if it runs around this.
    pub(crate) fn found() -> Option<Self> {
        let url = std::env::var("EYE_TEST_POSTGRES_URL").ok()?;
        let program = Path::new(&std::env::var("EYE_TEST_POSTGRES_BIN").ok()?).join("psql");
        Some(Self { program, url })
    }

    /// What one command prints.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let arguments = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url];
        let output = Command::new(&self.program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes the table.
    pub(crate) fn make_bare_table(&self) {
        self.ask(
            "CREATE TABLE bare (timestamp timestamptz, id uuid, session bigint, kind integer, \
             received_at timestamptz, data text)",
        );
    }

    /// Copies a file of rows into it, and says how long that took.
    pub(crate) fn copy(&self, file: &Path) -> Duration {
        let sql = format!("\\copy bare FROM '{}' (FORMAT csv)", file.display());
        let start = Instant::now();
        self.ask(&sql);
        start.elapsed()
    }
}

/// Writes rows as `\copy` reads them.
pub(crate) struct Csv(BufWriter<File>);

impl Csv {
    pub(crate) fn new(path: &Path) -> Self {
        Self(BufWriter::new(File::create(path).unwrap()))
    }

    pub(crate) fn add(&mut self, number: u64, event: &Event) {
        let Event { id, timestamp, received_at, data, .. } = event;
        let (session, kind, data) = (mix::session(number), mix::kind(number), data.replace('"', "\"\""));
        writeln!(self.0, "{timestamp},{id},{session},{kind},{received_at},\"{data}\"").unwrap();
    }

    pub(crate) fn end(self) {
        self.0.into_inner().unwrap();
    }
}
