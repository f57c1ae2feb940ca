//! Container images made without a registry and without a daemon: static programs in a layer of their own, from scratch or on
//! top of a base, as an OCI layout or as an archive that `docker load`, `podman load` and `ctr images import` take.

mod blob;
mod layer;
mod layout;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;

use crate::system::os_error::OsError;
use blob::Blob;
pub use layer::File;

/// Why an image cannot be made.
#[derive(Debug, Error)]
pub enum ImageError {
    /// A file could not be read or written.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The base is no OCI layout, or has no image for this machine.
    #[error("{}: {reason}", .path.display())]
    Base {
        /// The base's directory or a file in it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// An image: its configuration and its layers.
#[derive(Debug)]
pub struct Image {
    config: Value,
    layers: Vec<Blob>,
}

impl Image {
    /// An image of those files alone, which runs that program.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn scratch(files: &[File], entry_point: &[&str]) -> Result<Image, ImageError> {
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": { "Entrypoint": entry_point },
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        Image { config, layers: Vec::new() }.with(files)
    }

    /// The image of an OCI layout with those files on top of it; everything else stays, the entry point too.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn on(base: &Path, files: &[File]) -> Result<Image, ImageError> {
        layout::read(base)?.with(files)
    }

    fn with(mut self, files: &[File]) -> Result<Image, ImageError> {
        let layer = Blob::layer(layer::tar(files)?);
        if let Some(Value::Array(ids)) = self.config.pointer_mut("/rootfs/diff_ids") {
            ids.push(Value::from(layer.digest.clone()));
        }
        if let Some(Value::Array(history)) = self.config.get_mut("history") {
            history.push(json!({ "created_by": concat!("oomshim ", env!("CARGO_PKG_VERSION")) }));
        }
        self.layers.push(layer);
        Ok(self)
    }

    /// Writes it as an OCI layout into a directory, which is made where it does not exist.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn write_layout(&self, directory: &Path, name: &str) -> Result<(), ImageError> {
        layout::write(self, directory, name)
    }

    /// Writes it as one file, for `docker load`, `podman load` and `ctr images import`.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn write_archive(&self, file: &Path, name: &str) -> Result<(), ImageError> {
        layout::write_archive(self, file, name)
    }
}

/// The machine's architecture as images call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_on_a_base_keeps_what_the_base_says() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("base");
        let file = |path: &str, text: &str| File::new(path, 0o755, text.as_bytes().to_vec());
        Image::scratch(&[file("bin/x", "x")], &["/bin/x", "--y"]).unwrap().write_layout(&base, "base:1").unwrap();
        let own = Image::on(&base, &[file("usr/bin/oomshim", "o"), file("etc/oomshim/policy.toml", "")]).unwrap();
        let built = directory.path().join("built");
        own.write_layout(&built, "built:1").unwrap();
        let again = layout::read(&built).unwrap();
        assert_eq!(again.config["config"]["Entrypoint"], json!(["/bin/x", "--y"]));
        assert_eq!(again.layers.len(), 2);
        assert_eq!(again.config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
        // The same files give the same image, bit for bit.
        let twice = directory.path().join("twice");
        own.write_layout(&twice, "built:1").unwrap();
        let index = |path: &Path| std::fs::read(path.join("index.json")).unwrap();
        assert_eq!(index(&built), index(&twice));
        assert!(matches!(Image::on(Path::new("/nowhere"), &[]), Err(ImageError::File { .. })));
    }

    #[test]
    fn an_archive_has_both_manifests() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        let image = Image::scratch(&[File::new("oomshim", 0o755, b"x".to_vec())], &["/oomshim"]).unwrap();
        image.write_archive(&path, "localhost/x:1").unwrap();
        let mut archive = tar::Archive::new(std::fs::File::open(&path).unwrap());
        let names: Vec<String> =
            archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        for name in ["oci-layout", "index.json", "manifest.json"] {
            assert!(names.iter().any(|known| known == name), "{names:?}");
        }
    }
}
