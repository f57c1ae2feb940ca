//! A layer: a tar of files that is the same, bit for bit, wherever and whenever it is made.

use std::collections::BTreeSet;
use std::path::Path;

use super::ImageError;

/// A file of an image.
#[derive(Debug)]
pub struct File {
    path: String,
    mode: u32,
    bytes: Vec<u8>,
}

impl File {
    /// A file at that path, relative to the root, with that mode.
    #[must_use]
    pub fn new(path: &str, mode: u32, bytes: Vec<u8>) -> File {
        File { path: path.trim_start_matches('/').to_owned(), mode, bytes }
    }

    /// A file of this machine at another path of the image.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn copy(from: &Path, path: &str, mode: u32) -> Result<File, ImageError> {
        let bytes = std::fs::read(from).map_err(super::layout::error("read", from))?;
        Ok(File::new(path, mode, bytes))
    }
}

/// The tar of those files and of the directories above them.
pub(super) fn tar(files: &[File]) -> Result<Vec<u8>, ImageError> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, bytes).map_err(super::layout::error("write a tar of", Path::new(path)))
    };
    let mut directories = BTreeSet::new();
    for file in files {
        directories
            .extend(Path::new(&file.path).ancestors().skip(1).filter_map(Path::to_str).filter(|path| !path.is_empty()));
    }
    for directory in directories {
        add(&format!("{directory}/"), tar::EntryType::Directory, 0o755, &[])?;
    }
    for file in files {
        add(&file.path, tar::EntryType::Regular, file.mode, &file.bytes)?;
    }
    builder.into_inner().map_err(super::layout::error("write a tar of", Path::new("the layer")))
}
