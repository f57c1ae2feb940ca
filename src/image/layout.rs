//! An image on disk: the OCI layout (a directory of blobs and an index), and the archive of the same that engines load.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::blob::{self, Blob};
use super::{Image, ImageError, architecture};

/// The largest blob of a base that is read, in bytes: a layer of a builder's image is some hundred MiB.
const LIMIT: u64 = 4 << 30;

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

pub(super) fn error<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> ImageError + 'a {
    move |error| ImageError::File { operation, path: path.to_owned(), reason: error.into() }
}

/// The files of a layout: where, and what.
fn files(image: &Image, name: &str) -> Vec<(String, Vec<u8>)> {
    let config = Blob::json(blob::CONFIG, &image.config);
    let layers: Vec<Value> = image.layers.iter().map(Blob::descriptor).collect();
    let manifest = Blob::json(
        blob::MANIFEST,
        &json!({ "schemaVersion": 2, "mediaType": blob::MANIFEST, "config": config.descriptor(), "layers": layers }),
    );
    let mut entry = manifest.descriptor();
    entry["annotations"] = json!({
        "org.opencontainers.image.ref.name": name.rsplit_once(':').map_or(name, |(_, tag)| tag),
        "io.containerd.image.name": name,
    });
    let platform = |key: &str| image.config.get(key).cloned().unwrap_or_default();
    entry["platform"] = json!({ "architecture": platform("architecture"), "os": platform("os") });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    // What docker reads that is older than the OCI layout.
    let paths: Vec<String> = image.layers.iter().map(Blob::path).collect();
    let of_docker = json!([{ "Config": config.path(), "RepoTags": [name], "Layers": paths }]);
    let mut all = vec![
        ("oci-layout".to_owned(), LAYOUT.as_bytes().to_vec()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
        ("manifest.json".to_owned(), of_docker.to_string().into_bytes()),
    ];
    for blob in image.layers.iter().chain([&config, &manifest]) {
        if !all.iter().any(|(path, _)| *path == blob.path()) {
            all.push((blob.path(), blob.bytes.clone()));
        }
    }
    all
}

pub(super) fn write(image: &Image, directory: &Path, name: &str) -> Result<(), ImageError> {
    let blobs = directory.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(error("make", &blobs))?;
    // `manifest.json` is no part of an OCI layout.
    for (path, bytes) in files(image, name).into_iter().filter(|(path, _)| path != "manifest.json") {
        let path = directory.join(path);
        fs::write(&path, bytes).map_err(error("write", &path))?;
    }
    Ok(())
}

pub(super) fn write_archive(image: &Image, file: &Path, name: &str) -> Result<(), ImageError> {
    let mut builder = tar::Builder::new(fs::File::create(file).map_err(error("make", file))?);
    for (path, bytes) in files(image, name) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        builder.append_data(&mut header, path, bytes.as_slice()).map_err(error("write", file))?;
    }
    builder.into_inner().and_then(|file| file.sync_all()).map_err(error("write", file))
}

/// Reads the image of a layout that fits this machine.
pub(super) fn read(directory: &Path) -> Result<Image, ImageError> {
    let wrong = |reason: &str| ImageError::Base { path: directory.to_owned(), reason: reason.to_owned() };
    let mut entry = read_json(&directory.join("index.json"))?;
    // An index may lead to an index of one image for each platform.
    for _ in 0..3 {
        let Some(list) = entry.get("manifests").and_then(Value::as_array) else { break };
        let fits = |entry: &&Value| {
            let platform = entry.get("platform");
            platform.is_none_or(|platform| platform.get("architecture").is_none_or(|it| it == architecture()))
        };
        let chosen = list.iter().find(fits).ok_or_else(|| wrong("it has no image for this machine"))?;
        entry = read_blob(directory, chosen)?.1;
    }
    let config = entry.get("config").ok_or_else(|| wrong("its manifest has no config"))?;
    let config = read_blob(directory, config)?.1;
    let list = entry.get("layers").and_then(Value::as_array).ok_or_else(|| wrong("its manifest has no layers"))?;
    let mut layers = Vec::new();
    for layer in list {
        let kind = layer.get("mediaType").and_then(Value::as_str).unwrap_or(blob::LAYER).to_owned();
        let bytes = read_bytes(directory, layer)?;
        layers.push(Blob::new(&kind, bytes));
    }
    Ok(Image { config, layers })
}

fn read_json(path: &Path) -> Result<Value, ImageError> {
    let bytes = fs::read(path).map_err(error("read", path))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ImageError::Base { path: path.to_owned(), reason: error.to_string() })
}

fn read_blob(directory: &Path, descriptor: &Value) -> Result<(Vec<u8>, Value), ImageError> {
    let bytes = read_bytes(directory, descriptor)?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| ImageError::Base { path: directory.to_owned(), reason: error.to_string() })?;
    Ok((bytes, value))
}

/// The bytes that a descriptor names, which must be the ones that it means.
fn read_bytes(directory: &Path, descriptor: &Value) -> Result<Vec<u8>, ImageError> {
    let wrong = |reason: String| ImageError::Base { path: directory.to_owned(), reason };
    let digest = descriptor.get("digest").and_then(Value::as_str).unwrap_or_default();
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong(format!("{digest:?} is no SHA-256")));
    }
    let path = directory.join(blob::path(digest));
    let size = fs::metadata(&path).map_err(error("read", &path))?.len();
    if size > LIMIT {
        return Err(wrong(format!("{digest} is larger than {} GiB", LIMIT >> 30)));
    }
    let bytes = fs::read(&path).map_err(error("read", &path))?;
    let is = blob::digest(&bytes);
    if is == digest { Ok(bytes) } else { Err(wrong(format!("{digest} holds other bytes: {is}"))) }
}
