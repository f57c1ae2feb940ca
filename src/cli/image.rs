//! `oomshim image`: the image of a builder with oomshim in it, for builders in a pod or a container.

use std::path::PathBuf;

use anyhow::Context;

use super::Exit;
use crate::engines;
use crate::image::{File, Image};
use crate::text::escape;

/// The policy of a builder in a pod.
const POLICY: &str = include_str!("../../hooks/pods/policy.toml");

/// buildkitd's configuration in there.
const BUILDKITD: &str = include_str!("../../hooks/pods/buildkitd.toml");

/// The command line of `oomshim image`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The image has oomshim, oomshim-runc, /etc/oomshim/policy.toml and /etc/buildkit/buildkitd.toml on top of the base, \
                        and starts what the base starts. Without a base it has these files alone, for `COPY --from`. A base is \
                        an OCI layout, as `skopeo copy docker://moby/buildkit:latest oci:DIR` or `docker buildx build --output \
                        type=oci,tar=false,dest=DIR` write it."
)]
pub struct Args {
    /// The directory to write the image to, as an OCI layout
    #[arg(long, value_name = "DIR", required_unless_present = "archive")]
    output: Option<PathBuf>,
    /// A file to write the image to, for docker load, podman load and ctr images import
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// An OCI layout to put the files on top of
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// The image's name
    #[arg(long, value_name = "NAME", default_value = "localhost/oomshim-builder:latest")]
    name: String,
    /// The policy to put into it, in place of the one for builders in pods
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Makes it.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let shim = engines::shim_path();
    let own = std::env::current_exe().context("find oomshim")?;
    let policy = match &args.policy {
        None => POLICY.as_bytes().to_vec(),
        Some(path) => {
            let load = crate::policy::file::load(Some(path.as_os_str()));
            load.with_context(|| format!("the policy {}", escape::bytes(path.as_os_str().as_encoded_bytes())))?;
            std::fs::read(path)?
        }
    };
    let files = [
        File::copy(&own, "usr/bin/oomshim", 0o755)?,
        File::copy(&shim, "usr/bin/oomshim-runc", 0o755)?,
        File::new("etc/oomshim/policy.toml", 0o644, policy),
        File::new("etc/buildkit/buildkitd.toml", 0o644, BUILDKITD.as_bytes().to_vec()),
    ];
    let image = match &args.base {
        Some(base) => Image::on(base, &files)?,
        None => Image::scratch(&files, &["/usr/bin/oomshim"])?,
    };
    if let Some(directory) = &args.output {
        image.write_layout(directory, &args.name)?;
    }
    if let Some(file) = &args.archive {
        image.write_archive(file, &args.name)?;
    }
    let paths = args.output.iter().chain(&args.archive);
    for path in paths {
        super::print(&format!("{}\n", escape::bytes(path.as_os_str().as_encoded_bytes())))?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn what_goes_into_the_image_is_valid() {
        let policy = crate::policy::file::parse(super::POLICY, Path::new("policy.toml"));
        assert!(policy.is_ok(), "{policy:?}");
        let table: toml::Table = super::BUILDKITD.parse().unwrap();
        assert_eq!(table["worker"]["oci"]["binary"].as_str(), Some("/usr/bin/oomshim-runc"));
    }
}
