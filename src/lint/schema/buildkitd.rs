//! The types of `buildkitd.toml` (moby/buildkit `cmd/buildkitd/config/config.go`, 0.33).
//!
//! A value of another type keeps buildkitd from starting; a key that it does not know is ignored without a word.

use super::{I64, Object, Shape, TEXTS, may, object};
use Shape::{Any, Bool, Either, List, Map, Text};

/// The whole file.
pub static BUILDKITD: Object = Object {
    name: "buildkitd.toml",
    fields: &[
        may("debug", Bool),
        may("trace", Bool),
        may("root", Text),
        may("insecure-entitlements", TEXTS),
        may("proxyNetwork", Bool),
        may("log", object!("log": may("format", Text), may("level", Text))),
        may("grpc", GRPC),
        may("otel", object!("otel": may("socketPath", Text))),
        may("cdi", object!("cdi": may("disabled", Bool), may("specDirs", TEXTS), may("autoAllowed", TEXTS))),
        may("worker", object!("worker": may("oci", OCI), may("containerd", CONTAINERD))),
        may("registry", Map(&REGISTRY)),
        may("dns", object!("dns": may("nameservers", TEXTS), may("options", TEXTS), may("searchDomains", TEXTS))),
        may("history", object!("history": may("maxAge", DURATION), may("maxEntries", I64))),
        // Their keys have dots of their own, and may also be written as tables in tables, which is nothing to
        // buildkitd.
        may(
            "frontend",
            Map(&Shape::Object(&Object {
                name: "frontend",
                fields: &[may("enabled", Bool), may("allowedRepositories", TEXTS), may("v0", Any)],
            })),
        ),
        may(
            "system",
            object!("system":
                may("platformsCacheMaxAge", DURATION),
                may("maxRegistryConcurrency", I64),
            ),
        ),
        may("provenanceEnvDir", Text),
        may("cache", Any),
    ],
};

/// A number of seconds, or a text such as `48h`.
pub(super) const DURATION: Shape = Either(&I64, &Text);

/// Bytes, or a text such as `20GB` or `10%`.
pub(super) const DISK_SPACE: Shape = Either(&Text, &Shape::Number);

const GRPC: Shape = object!("grpc":
    may("address", TEXTS),
    may("debugAddress", Text),
    may("uid", I64),
    may("gid", I64),
    may("securityDescriptor", Text),
    may("tls", object!("grpc.tls": may("cert", Text), may("key", Text), may("ca", Text))),
);

const REGISTRY: Shape = object!("registry":
    may("mirrors", TEXTS),
    may("http", Bool),
    may("insecure", Bool),
    may("ca", TEXTS),
    may("keypair", List(&object!("registry.keypair[]": may("key", Text), may("cert", Text)))),
    may("tlsconfigdir", TEXTS),
);

const GC_POLICY: Shape = object!("gcpolicy[]":
    may("all", Bool),
    may("filters", TEXTS),
    may("keepDuration", DURATION),
    may("keepBytes", DISK_SPACE),
    may("reservedSpace", DISK_SPACE),
    may("maxUsedSpace", DISK_SPACE),
    may("minFreeSpace", DISK_SPACE),
);

/// A worker: what both kinds of them take, and its own members.
macro_rules! worker {
    ($name:literal: $($own:expr),+ $(,)?) => {
        object!($name:
            $($own),+,
            may("enabled", Bool),
            may("labels", Map(&Text)),
            may("platforms", TEXTS),
            may("snapshotter", Text),
            may("rootless", Bool),
            may("gc", Bool),
            may("gckeepstorage", DISK_SPACE),
            may("reservedSpace", DISK_SPACE),
            may("maxUsedSpace", DISK_SPACE),
            may("minFreeSpace", DISK_SPACE),
            may("gcpolicy", Either(&List(&GC_POLICY), &GC_POLICY)),
            may("networkMode", Text),
            may("cniConfigPath", Text),
            may("cniBinaryPath", Text),
            may("cniPoolSize", I64),
            may("bridgeName", Text),
            may("bridgeSubnet", Text),
            may("defaultCgroupParent", Text),
            may("apparmor-profile", Text),
            may("selinux", Bool),
            may("max-parallelism", I64),
        )
    };
}

const OCI: Shape = worker!("worker.oci":
    may("noProcessSandbox", Bool),
    may("userRemapUnsupported", Text),
    may("binary", Text),
    may("proxySnapshotterPath", Text),
    may("stargzSnapshotter", Map(&Any)),
);

const CONTAINERD: Shape = worker!("worker.containerd":
    may("address", Text),
    may("namespace", Text),
    may("runtime", object!("worker.containerd.runtime":
        may("name", Text),
        may("path", Text),
        may("options", Map(&Any)),
    )),
);
