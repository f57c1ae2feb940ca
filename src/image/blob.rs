//! What an image consists of: bytes that are called by their SHA-256.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[derive(Debug)]
pub(super) struct Blob {
    /// `sha256:` and 64 digits.
    pub digest: String,
    pub kind: String,
    pub bytes: Vec<u8>,
}

impl Blob {
    pub(super) fn new(kind: &str, bytes: Vec<u8>) -> Blob {
        Blob { digest: digest(&bytes), kind: kind.to_owned(), bytes }
    }

    pub(super) fn layer(tar: Vec<u8>) -> Blob {
        Blob::new(LAYER, tar)
    }

    pub(super) fn json(kind: &str, value: &Value) -> Blob {
        Blob::new(kind, value.to_string().into_bytes())
    }

    pub(super) fn descriptor(&self) -> Value {
        json!({ "mediaType": self.kind, "digest": self.digest, "size": self.bytes.len() })
    }

    /// Where it is in a layout.
    pub(super) fn path(&self) -> String {
        path(&self.digest)
    }
}

pub(super) fn path(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn digests_are_sha256() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::digest(b""), empty);
    }
}
