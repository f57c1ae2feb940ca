//! Annotations that say who made a container, and what it is to its engine.

/// What containerd's CRI plugin, and CRI-O, take a container for (containerd `internal/cri/annotations`).
pub const CRI_CONTAINER_TYPE: &str = "io.kubernetes.cri.container-type";

/// What CRI-O takes a container for (`internal/annotations`). podman has it on the members of its pods.
pub const CRI_O_CONTAINER_TYPE: &str = "io.kubernetes.cri-o.ContainerType";

/// The value of both for the container that holds a pod's namespaces.
pub const SANDBOX: &str = "sandbox";

/// The program that made a container (libpod `define/annotations.go`).
pub const MANAGER: &str = "io.container.manager";

/// The value of [`MANAGER`] for podman.
pub const LIBPOD: &str = "libpod";

/// The name of the image that an image was made from (OCI image-spec, `annotations.md`).
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// The prefixes of annotations that CRI engines write themselves.
pub const ENGINE_PREFIXES: [&str; 2] = ["io.kubernetes.cri.", "io.kubernetes.cri-o."];
