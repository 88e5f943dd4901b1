//! The disk under the data: a folder, a file system in memory that can be full, or one in a file whose
//! power can be cut.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

/// A place for data.
pub struct Site {
    folder: TempDir,
    disk: Option<Disk>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Memory,
    Ext4,
}

/// How often a disk is tried to be taken away that somebody still has files open on, and how long between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// The file that the file system lies in.
const IMAGE: &str = "disk";
/// Where it is mounted.
const ROOT: &str = "root";

impl Site {
    /// A temporary folder on the disk that is there.
    pub fn folder() -> Self {
        Self { folder: new_folder(), disk: None }
    }

    /// A file system in memory with that many MiB; an error says why there can be none.
    pub fn small(mib: u64) -> Result<Self, String> {
        let site = Self { folder: new_folder(), disk: Some(Disk::Memory) };
        std::fs::create_dir(site.root()).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}M"), "tmpfs", text(&site.root())])?;
        Ok(site)
    }

    /// An ext4 of its own with that many MiB; an error says why there can be none.
    pub fn ext4(mib: u64) -> Result<Self, String> {
        let site = Self { folder: new_folder(), disk: Some(Disk::Ext4) };
        std::fs::create_dir(site.root()).unwrap();
        let image = site.folder.path().join(IMAGE);
        run("truncate", &["-s", &format!("{mib}M"), text(&image)])?;
        run("mkfs.ext4", &["-q", text(&image)])?;
        site.mount()?;
        Ok(site)
    }

    /// A new folder, which is empty.
    pub(super) fn new_folder(&self, name: &str) -> PathBuf {
        let folder = self.root().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// Writes to the disk what it has in memory.
    pub(super) fn flush(&self) {
        run("sync", &["-f", text(&self.root())]).unwrap();
    }

    /// Cuts the power: nothing that was not flushed reaches the disk any more. Whoever has files open there
    /// gets errors.
    pub fn cut(&self) {
        assert_eq!(self.disk, Some(Disk::Ext4));
        // EXT4_IOC_SHUTDOWN without a flush of the journal, which is XFS's number and meaning too.
        run("xfs_io", &["-x", "-c", "shutdown", text(&self.root())]).unwrap();
    }

    /// Mounts it again after a cut, once nobody has files open there.
    pub fn power_on(&self) {
        // A server that was killed is gone before those it had started are: they notice it, and end.
        let root = self.root();
        let mut tries = 0;
        while let Err(problem) = run("umount", &[text(&root)]) {
            tries += 1;
            assert!(tries < TRIES, "{problem}");
            std::thread::sleep(PAUSE);
        }
        self.mount().unwrap();
    }

    /// The folder that everything is below.
    pub fn root(&self) -> PathBuf {
        match self.disk {
            None => self.folder.path().to_owned(),
            Some(_) => self.folder.path().join(ROOT),
        }
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o", "loop", text(&self.folder.path().join(IMAGE)), text(&self.root())]).map(drop)?;
        // PostgreSQL runs as another user.
        run("chmod", &["711", text(&self.root())]).map(drop)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.disk.is_some() {
            // What still writes there is about to end; then the system unmounts it.
            let _ = run("umount", &["--lazy", text(&self.root())]);
        }
    }
}

/// Below a folder that `script/faults` removes, with what is mounted there, should this be killed.
fn new_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("site.").tempdir_in(std::env::var("FAULTS_FOLDER").unwrap()).unwrap();
    run("chmod", &["711", text(folder.path())]).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> Result<Output, String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
