//! The session file: opened before anything passes, written line by line, whole at any moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::evidence::{Captured, Header};

/// A session file that grows.
pub struct Journal {
    file: File,
    /// The length up to which every line is whole.
    whole: u64,
}

impl Journal {
    /// Begins a session in a new (or empty) file, readable by its owner only where the system knows such a thing.
    ///
    /// # Errors
    /// When the file cannot be written, or holds something already.
    pub fn begin(path: &Path, header: &Header) -> io::Result<Journal> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() > 0 {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists and is not empty"));
        }
        let mut journal = Journal { file, whole: 0 };
        journal.line(&serde_json::to_vec(header)?)?;
        Ok(journal)
    }

    /// Adds an exchange.
    ///
    /// # Errors
    /// When the line cannot be written (the disk is full, say); the file then ends with the line before it.
    pub fn add(&mut self, captured: &Captured) -> io::Result<()> {
        self.line(&serde_json::to_vec(captured)?)
    }

    fn line(&mut self, json: &[u8]) -> io::Result<()> {
        let line = [json, b"\n"].concat();
        let written = self.file.write_all(&line);
        if written.is_ok() {
            self.whole += line.len() as u64;
        } else {
            // Half a line would spoil the next one. A device that has no length has no lines to spoil.
            let _ = self.file.set_len(self.whole);
        }
        written
    }
}
